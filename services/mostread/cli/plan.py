"""`mostread plan`."""

from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec

from mostread.ops.capacity.sizes import Sizes, Traffic, sizes

DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Traffic)}
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def _option(
    name: str, kind: click.ParamType, meaning: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    default = DEFAULTS[name.removeprefix("--").replace("-", "_")]
    return click.option(name, type=kind, default=default, show_default=True, help=meaning)


@click.command()
@click.option(
    "--events-per-day", type=click.IntRange(1), required=True, help="Views, comments and likes."
)
@click.option(
    "--articles",
    type=click.IntRange(1, 50_000_000),
    required=True,
    help="Articles read per day.",
)
@_option("--peak", click.FloatRange(1, 100), "Rate of the busiest hour, relative to the average.")
@_option("--headroom", click.FloatRange(1, 10), "Safety factor on all capacities.")
@_option(
    "--events-per-request",
    click.IntRange(1, 1000),
    "1 from browsers, more from servers.",
)
@_option("--lists-per-second", click.IntRange(0), "List requests per second at the peak.")
@_option(
    "--takeover-seconds",
    click.IntRange(1),
    "Longest pause in counting, at the peak, after a worker is lost.",
)
@_option("--retention-days", click.IntRange(1), "Days for which Kafka keeps events.")
@_option("--brokers", click.IntRange(1), "Kafka brokers.")
@_option("--replication", click.IntRange(1), "Copies of each event in Kafka.")
@_option("--clickhouse-replicas", click.IntRange(1), "ClickHouse servers, each with all counters.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in bytes and seconds.")
def plan(*, as_json: bool, **options: Any) -> None:
    """Compute the processes, memory, partitions and disks for a given traffic.

    Based on costs measured on two shared cores; see docs/how-to/scaling.md.
    """
    traffic = Traffic(**options)
    if traffic.replication > traffic.brokers:
        raise click.UsageError("--replication cannot be above --brokers")
    needed = sizes(traffic)
    if as_json:
        content = {"traffic": traffic, "sizes": needed}
        click.echo(msgspec.json.format(msgspec.json.encode(content)).decode())
        return
    for name, value in _lines(traffic, needed):
        click.echo(f"{name:<12}{value}")


def _lines(traffic: Traffic, needed: Sizes) -> Iterator[tuple[str, str]]:
    yield (
        "traffic",
        f"{needed.average_rate:,} events/s on average, {needed.peak_rate:,} at the peak",
    )
    yield "collectors", f"{needed.collector_cores} processes of a core each"
    yield (
        "aggregators",
        f"{needed.aggregator_workers} workers of a core and {_bytes(needed.worker_memory_bytes)} "
        "of memory each",
    )
    yield (
        "",
        f"where one is gone counting goes on after {needed.takeover_seconds} s; an hour's outage "
        f"at the peak is made up for in {needed.hour_catch_up_minutes} min",
    )
    yield (
        "rankings",
        f"{needed.ranking_cores} processes of a core each; a list over 24 hours is computed in "
        f"{needed.list_milliseconds} ms",
    )
    yield "partitions", f"{needed.partitions} of the events topic"
    yield (
        "Kafka",
        f"{_counted(traffic.brokers, 'broker')} with {_bytes(needed.kafka_disk_bytes)} of disk "
        f"each for {traffic.retention_days} days, "
        f"{_bytes(needed.kafka_write_bytes)}/s written at the peak",
    )
    yield (
        "ClickHouse",
        f"{_counted(traffic.clickhouse_replicas, 'replica')} with "
        f"{_bytes(needed.clickhouse_disk_bytes)} of disk each for {needed.counter_rows:,} rows; "
        f"{needed.counter_rows_per_second:,} rows/s written at the peak",
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _bytes(number: float) -> str:
    for unit in UNITS:
        if number < 1000 or unit == UNITS[-1]:
            break
        number /= 1000
    return f"{number:.3g} {unit}"
