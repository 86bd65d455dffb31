"""`mostread doctor`."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import orjson
import pydantic

from mostread.cli.params import service_option, service_urls, stack_dir, stack_option
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.doctor.checks import CHECKS
from mostread.ops.doctor.findings import Level
from mostread.ops.doctor.page.runner import inspect_page
from mostread.ops.doctor.report import as_json, report_lines, worst_level
from mostread.ops.doctor.runner import CheckResult, run_checks
from mostread.ops.inspection.clients import SystemClients
from mostread.ops.terminal import terminal_width, use_colour


@click.command()
@stack_option
@service_option("collector")
@service_option("aggregator")
@service_option("ranking")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=15,
    show_default=True,
    help="Seconds for all checks; a check that takes longer is reported.",
)
@click.option(
    "--backups",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also check that this folder has a recent backup.",
)
@click.option(
    "--page",
    metavar="URL",
    help="Instead of the system, check a web page: what the tracker counts there, under which id, "
    "or why it does not. Sites and origins are those of the collector's settings here.",
)
@click.option("--json", "in_json", is_flag=True, help="Print JSON.")
def doctor(
    timeout: float,
    backups: Path | None,
    page: str | None,
    *,
    in_json: bool,
    **services: tuple[str, ...],
) -> None:
    """Check the system and suggest fixes.

    Changes nothing. Exits with code 1 if a check fails; warnings do not count.
    """
    # Unavailable servers are findings; the clients need not log them too.
    logging.disable(logging.CRITICAL)
    if page is not None:
        _report(inspect_page(page), {"page": page}, in_json=in_json)
        return
    clients = SystemClients(
        services=service_urls(services),
        data=stack_dir(),
        backups=backups,
        # Less than the deadline, so that checks can still report the timeout of a server.
        seconds=timeout * 0.6,
    )
    targets = _targets(clients)
    results = run_checks(clients, CHECKS, timeout)
    clients.close()
    _report(results, targets, in_json=in_json)


def _report(results: Sequence[CheckResult], targets: dict[str, str], *, in_json: bool) -> None:
    """Print the findings; exit with code 1 if there is a problem."""
    if in_json:
        click.echo(orjson.dumps(as_json(results, targets)))
    else:
        click.echo("; ".join(f"{name} at {address}" for name, address in targets.items()) + "\n")
        for line in report_lines(results, terminal_width()):
            click.echo(line, color=use_colour())
    if worst_level(results) is Level.PROBLEM:
        sys.exit(1)


def _targets(clients: SystemClients) -> dict[str, str]:
    """Return the addresses of what is checked, as far as settings are valid."""
    targets = {}
    try:
        targets["Kafka"] = KafkaSettings().kafka_brokers
        targets["ClickHouse"] = ClickHouseSettings().clickhouse_url
    except pydantic.ValidationError:
        pass
    if clients.data:
        targets["development stack"] = str(clients.data)
    return targets
