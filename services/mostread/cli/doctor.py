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
from mostread.ops import terminal
from mostread.ops.doctor.checks import CHECKS
from mostread.ops.doctor.findings import Level
from mostread.ops.doctor.report import as_json, lines, worst
from mostread.ops.doctor.runner import examine
from mostread.ops.inspection.clients import Way


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
    # What the clients would log of a broker that is away is found by us, once.
    logging.disable(logging.CRITICAL)
    stack = find_stack(data)
    way = Way(
        services=addresses(stack, services),
        data=stack.folder if stack else None,
        # Less, so that it is known of whom the others hear nothing.
        seconds=seconds * 0.6,
    )
    looked_at = _looked_at(way)
    checked = examine(way, CHECKS, seconds)
    way.close()
    if in_json:
        click.echo(orjson.dumps(as_json(checked, looked_at)))
    else:
        click.echo("; ".join(f"{part} at {place}" for part, place in looked_at.items()) + "\n")
        for line in lines(checked, terminal.width()):
            click.echo(line, color=terminal.colours())
    if worst(checked) is Level.PROBLEM:
        sys.exit(1)


def _looked_at(way: Way) -> dict[str, str]:
    """Return where what is looked at is, as far as the settings can be read."""
    found = {}
    try:
        found["Kafka"] = KafkaSettings().kafka_brokers
        found["ClickHouse"] = ClickHouseSettings().clickhouse_url
    except pydantic.ValidationError:
        pass
    if way.data:
        found["the stack"] = str(way.data)
    return found
