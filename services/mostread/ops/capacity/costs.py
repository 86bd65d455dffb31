"""Measured costs that `mostread plan` computes from, each with its source.

The broker, ClickHouse and the load shared two cores with what was measured; a dedicated machine is
faster.
"""

from importlib.resources import files

import msgspec


class Benchmark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Figures in benchmark.json, which `make bench WRITE=1` writes."""

    collector_events_per_core: int
    """Events per second of a collector's processor time, one event per request."""

    collector_batched_events_per_core: int
    """The same with 200 events per request."""

    aggregator_events_per_worker: int
    """Events per second and worker, one event per record, which costs most."""

    reread_events_per_second: int
    """Events per second that a worker rereads for the dedup window, one per record: those of the
    bare loop, which counts them as well."""

    lookups_per_second: int
    """Stored counters per second that a worker looks up, of a million in 10,000 sites."""

    ranking_lists_per_core: int
    """Requests per second of a ranking service's processor time, for a cached list."""

    worker_bytes_at_start: int
    """Memory of a worker before it counts."""


BENCHMARK = msgspec.json.decode(
    files(__package__).joinpath("benchmark.json").read_bytes(), type=Benchmark
)

KAFKA_BYTES_PER_EVENT = 219
"""Bytes on the disk of one broker, uncompressed, with id, time and visitor. Measured with 10,000
events, one per request; 150 with 200 per request."""

COUNTER_ROW_BYTES = 41
"""Bytes on the disk of one ClickHouse. Measured with 990,587 rows of a day whose article ids are 32
random characters, which take 32 of these bytes; 11 with ids like news-2026-000123."""

COUNTER_WRITES_PER_CORE = 143_000
"""Counters per second of an aggregator's processor time that flushes write. From the simulated day:
89 of its 128 seconds went to 12.7 million writes, the rest to ten million events."""

COUNTER_BYTES_IN_MEMORY = 350
"""Worker memory per cached counter. docs/reference/settings.md,
MOSTREAD_AGGREGATOR_COUNTER_CACHE_SIZE."""

COUNTERS_IN_MEMORY = 400_000
"""Default of the same setting."""

ID_BYTES = 80
"""Worker memory per id of the dedup window while the table grows; 20 to 40 otherwise.
docs/explanation/architecture.md, Exact counting."""

LIST_MS, LIST_ROWS_PER_MS = 40, 5_000
"""Milliseconds for an uncached list, and rows read per further millisecond. 110 thousand rows took
67 ms, 0.8 million 200 to 350, and 7 million 720 to 880, measured with 20 and 200 thousand articles,
half of which are read in any minute."""

SKETCHES_PER_WORKER_HOUR = 3_000
"""Visitor sketches that a worker stores per hour: the 1,500 of
MOSTREAD_AGGREGATOR_SKETCH_CACHE_SIZE, and as many of articles that lost their place to others."""

SKETCH_ROW_BYTES = 360
"""Bytes on the disk of one ClickHouse. Measured in the simulated day."""

CLICKHOUSE_BYTES = 550_000_000
"""Memory of ClickHouse's process while it inserts and merges. Measured in the simulated day."""

LIST_BYTES_PER_ARTICLE = 900
"""Memory of ClickHouse while it computes a list. Measured with 30 days of 100,000 articles."""

LISTS_AT_ONCE = 4
"""Lists computed at the same time, by two ranking services."""
