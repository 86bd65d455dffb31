"""`mostread audit`."""

import sys
from contextlib import closing

import click
import orjson

from mostread.cli.params import Moment
from mostread.infra.clock import now_ms
from mostread.ops.audit.auditor import Auditor, AuditSettings
from mostread.ops.audit.diff import Scope
from mostread.ops.audit.report import AuditReport


@click.command()
@click.option("--site", help="Compare the counters of this site only.")
@click.option(
    "--since",
    type=Moment(),
    help="Compare only windows that start then or later; it reads that much less of the log. "
    "A time (2026-01-31T12:00, UTC) or how long ago (24h).",
)
@click.option(
    "--show", type=click.IntRange(0), default=20, show_default=True, help="Differences to list."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def audit(site: str | None, since: int | None, show: int, *, as_json: bool) -> None:
    """Count the log again and compare it with ClickHouse.

    Works while events come and are counted. Ends with exit code 1 where anything differs.
    """
    scope = Scope(now_ms() // 1000, site, None if since is None else since / 1000)
    with closing(Auditor(AuditSettings())) as auditor:
        report = AuditReport(auditor.topic, scope, show)
        with click.progressbar(
            length=auditor.record_count(),
            label="recounting",
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
        ) as bar:
            for partition_audit in auditor.audit_partitions(scope, bar.update):
                report.add(partition_audit)
        report.foreign_counters = auditor.foreign_counters()
    if as_json:
        click.echo(orjson.dumps(report.as_json()))
    else:
        for line in report.lines():
            click.echo(line)
    if report.difference_count:
        sys.exit(1)
