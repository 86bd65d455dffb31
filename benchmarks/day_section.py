"""Compare a simulated day with what `mostread plan` computes from measured costs."""

from benchmarks.contestant import Servers
from benchmarks.day import WORKERS, Day, Simulated, simulate
from benchmarks.run import Results, Scale
from benchmarks.table import mib, middle, table, whole
from mostread.ops.capacity import costs
from mostread.ops.capacity.sizes import distinct_articles

EVENTS = 10_000_000
"""A hundredth of a day of a billion events."""


def section(servers: Servers, scale: Scale) -> Results:
    """Simulate once: each event is counted, and audited afterwards."""
    day = Day(EVENTS if scale.events >= 1_000_000 else scale.events)
    measured = simulate(servers, day)
    columns = [f"{day.events:,} events in {measured.seconds:.0f} s", "plan", "measured"]
    return Results(table(columns, _rows(day, measured)))


def _rows(day: Day, measured: Simulated) -> list[list[str]]:
    """Return the rows of the table, with the plan for exactly these events and no reserves."""
    benchmark = costs.BENCHMARK
    worker = (
        benchmark.worker_bytes_at_start
        + costs.COUNTERS_IN_MEMORY * costs.COUNTER_BYTES_IN_MEMORY
        + day.events / WORKERS * costs.ID_BYTES
    )
    # Each grain has a row per article and window; the simulation lies in one hour and week.
    counters = 3 * distinct_articles(day.events, day.articles) + sum(
        distinct_articles(events, day.articles) for events in measured.minutes
    )
    sketches = WORKERS * costs.SKETCHES_PER_WORKER_HOUR
    # About once per second, of each grain.
    per_second = distinct_articles(day.events / measured.seconds, day.articles)
    writes = 4 * per_second * measured.seconds
    listed = distinct_articles(day.events, day.articles) / day.sites
    return [
        _seconds(
            "collector, seconds of processor time",
            day.events / benchmark.collector_batched_events_per_core,
            measured.collector,
        ),
        _seconds(
            "aggregators, seconds of processor time",
            day.events / benchmark.aggregator_events_per_worker
            + writes / costs.COUNTER_WRITES_PER_CORE,
            measured.aggregator,
        ),
        _mib("memory of a worker, MiB", worker, measured.worker_bytes),
        _mib("Kafka, MiB on disk", day.events * costs.KAFKA_BYTES_PER_EVENT, measured.kafka_bytes),
        _rows_of("rows of counters", counters, measured.counter_rows),
        _mib("counters, MiB on disk", counters * costs.COUNTER_ROW_BYTES, measured.counter_bytes),
        _rows_of("rows of visitor sketches", sketches, measured.sketch_rows),
        _mib(
            "visitor sketches, MiB on disk",
            sketches * costs.SKETCH_ROW_BYTES,
            measured.sketch_bytes,
        ),
        _mib("memory of ClickHouse, MiB", costs.CLICKHOUSE_BYTES, measured.clickhouse_bytes),
        [
            "list of 24 hours of a site, ms",
            f"{costs.LIST_MS + listed / costs.LIST_ROWS_PER_MS:.0f}",
            f"{middle(measured.list_ms):.0f}",
        ],
    ]


def _seconds(name: str, planned: float, measured: float) -> list[str]:
    return [name, f"{planned:.0f}", f"{measured:.0f}"]


def _mib(name: str, planned: float, measured: int) -> list[str]:
    return [name, mib(round(planned)), mib(measured)]


def _rows_of(name: str, planned: float, measured: int) -> list[str]:
    return [name, whole(planned), whole(measured)]
