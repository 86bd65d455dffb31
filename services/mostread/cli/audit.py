"""`mostread audit`."""

import sys
from contextlib import closing

import click
import orjson

from mostread.cli.params import TimeParam, stack_option
from mostread.infra.clock import now_ms
from mostread.ops.audit.auditor import Auditor, AuditSettings
from mostread.ops.audit.diff import Scope
from mostread.ops.audit.report import AuditReport


@click.command()
@stack_option
@click.option("--site", help="Compare only the counters of this site.")
@click.option(
    "--since",
    type=TimeParam(),
    help="Compare only windows from this time on, which reads less of the topic: a time "
    "(2026-01-31T12:00, UTC) or an age (24h).",
)
@click.option(
    "--show",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Maximum number of differences to print.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def audit(site: str | None, since: int | None, show: int, *, as_json: bool) -> None:
    """Recount the events in Kafka and compare with ClickHouse.

    Safe to run under traffic. Exits with code 1 if anything differs.
    """
    scope = Scope(now_ms() // 1000, site, None if since is None else since / 1000)
    report = run_audit(AuditSettings(), scope, show)
    if as_json:
        click.echo(orjson.dumps(report.as_json()))
    else:
        for line in report.lines():
            click.echo(line)
    if report.difference_count:
        sys.exit(1)


def run_audit(settings: AuditSettings, scope: Scope, show: int) -> AuditReport:
    """Return the report of an audit with its first `show` differences; draws a progress bar."""
    with closing(Auditor(settings)) as auditor:
        report = AuditReport(auditor.topic, scope, show, auditor.exclusions)
        with click.progressbar(
            length=auditor.record_count(),
            label="recounting",
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
        ) as bar:
            for partition_audit in auditor.audit_partitions(scope, bar.update):
                report.add(partition_audit)
        report.foreign_counters = auditor.foreign_counters()
    return report
