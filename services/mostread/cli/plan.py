"""`mostread plan`."""

from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec

from mostread.ops.capacity.sizes import DeploymentSizes, ExpectedTraffic, deployment_sizes
from mostread.ops.terminal import count

DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(ExpectedTraffic)}
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
    help="Articles read per day, of all sites together.",
)
@_option("--sites", click.IntRange(1), "Sites that the articles belong to.")
@_option("--peak", click.FloatRange(1, 100), "Rate of the busiest hour, relative to the average.")
@_option("--headroom", click.FloatRange(1, 10), "Safety factor on all capacities.")
@_option(
    "--events-per-request",
    click.IntRange(1, 1000),
    "1 from browsers, more from servers.",
)
@_option("--lists-per-second", click.IntRange(0), "List requests per second at the peak.")
@_option(
    "--recovery-seconds",
    click.IntRange(1),
    "Longest pause in counting, at the peak, after a worker is lost.",
)
@_option("--retention-days", click.IntRange(1), "Days for which Kafka keeps events.")
@_option("--brokers", click.IntRange(1), "Kafka brokers.")
@_option("--replication", click.IntRange(1), "Copies of each event in Kafka.")
@_option("--clickhouse-replicas", click.IntRange(1), "ClickHouse servers, each with all counters.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in bytes and seconds.")
def plan(*, as_json: bool, **options: Any) -> None:
    """Compute the resources for a given traffic.

    Processes, memory, partitions and disks, based on costs measured on two shared cores; see
    docs/how-to/scaling.md.
    """
    traffic = ExpectedTraffic(**options)
    if traffic.replication > traffic.brokers:
        raise click.UsageError("--replication exceeds --brokers; lower it, or add brokers")
    sizes = deployment_sizes(traffic)
    if as_json:
        content = {"traffic": traffic, "sizes": sizes}
        click.echo(msgspec.json.format(msgspec.json.encode(content)).decode())
        return
    for name, value in _lines(traffic, sizes):
        click.echo(f"{name:<12}{value}")


def _lines(traffic: ExpectedTraffic, sizes: DeploymentSizes) -> Iterator[tuple[str, str]]:
    yield (
        "traffic",
        f"{sizes.average_rate:,} events/s on average, {sizes.peak_rate:,} at the peak",
    )
    yield "collectors", f"{sizes.collector_cores} processes with one core each"
    yield (
        "aggregators",
        f"{sizes.aggregator_workers} workers with one core and "
        f"{_format_bytes(sizes.worker_memory_bytes)} of memory each",
    )
    yield (
        "",
        f"after the loss of one, counting resumes within {sizes.recovery_seconds} s; "
        f"an hour's outage at the peak is caught up in {sizes.hour_catch_up_minutes} min",
    )
    yield (
        "",
        f"while its memory holds no counter, a worker spends {sizes.lookup_percent} % of its time "
        "on lookups",
    )
    yield (
        "rankings",
        f"{sizes.ranking_cores} processes with one core each; computing a 24-hour list of a "
        f"site takes {sizes.list_milliseconds} ms",
    )
    yield "partitions", f"{sizes.partitions} for the events topic"
    yield (
        "Kafka",
        f"{count(traffic.brokers, 'broker')} with {_format_bytes(sizes.kafka_disk_bytes)} of disk "
        f"each for {traffic.retention_days} days; "
        f"{_format_bytes(sizes.kafka_write_bytes)}/s written at the peak",
    )
    yield (
        "ClickHouse",
        f"{count(traffic.clickhouse_replicas, 'replica')} with "
        f"{_format_bytes(sizes.clickhouse_memory_bytes)} of memory and "
        f"{_format_bytes(sizes.clickhouse_disk_bytes)} of disk each; "
        f"{sizes.counter_rows_per_second:,} rows/s written at the peak",
    )
    yield (
        "",
        f"{sizes.counter_rows:,} rows of counters and {sizes.sketch_rows:,} of visitor sketches",
    )


def _format_bytes(number: float) -> str:
    for unit in UNITS:
        if number < 1000 or unit == UNITS[-1]:
            break
        number /= 1000
    return f"{number:.3g} {unit}"
