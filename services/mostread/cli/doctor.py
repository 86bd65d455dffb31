"""`mostread doctor`."""

import logging
import sys
from pathlib import Path

import click
import orjson
import pydantic

from mostread.cli.params import addresses, find_stack, way_options
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.doctor.checks import CHECKS
from mostread.ops.doctor.findings import Level
from mostread.ops.doctor.report import as_json, report_lines, worst_level
from mostread.ops.doctor.runner import run_checks
from mostread.ops.inspection.clients import SystemClients
from mostread.ops.terminal import terminal_width, use_colour


@click.command()
@way_options("collector", "aggregator", "ranking")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 600),
    default=15,
    show_default=True,
    help="How long all of it may take; what has not answered by then is a finding.",
)
@click.option("--json", "in_json", is_flag=True, help="For machines.")
def doctor(data: Path, seconds: float, *, in_json: bool, **services: tuple[str, ...]) -> None:
    """Look at every part, and say what is wrong and what to do.

    It changes nothing. Kafka and ClickHouse are those of the settings, or of the stack that
    runs on --data. Ends with exit code 1 where there is a problem; warnings are none.
    """
    # Unavailable servers are findings; the clients need not log them too.
    logging.disable(logging.CRITICAL)
    stack = find_stack(data)
    clients = SystemClients(
        services=addresses(stack, services),
        data=stack.folder if stack else None,
        # Less than the deadline, so that checks can still report the timeout of a server.
        seconds=seconds * 0.6,
    )
    targets = _targets(clients)
    results = run_checks(clients, CHECKS, seconds)
    clients.close()
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
