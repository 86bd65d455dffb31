"""Measured costs that `mostread plan` computes from, each with its source.

"Two cores" is the machine of docs/explanation/performance.md, which the broker, ClickHouse and the
load shared; a dedicated machine is faster.
"""

COLLECTOR_EVENTS_PER_CORE = 4_700
"""Events per second and core, one event per request. performance.md, Collectors: mostread, events
per core second."""

COLLECTOR_BATCHED_EVENTS_PER_CORE = 283_000
"""The same with 200 events per request. performance.md, Collectors: mostread, 200 events
per request."""

AGGREGATOR_EVENTS_PER_WORKER = 65_500
"""Events per second and worker, one event per record, which costs most. performance.md,
Aggregators: mostread, 1 per record."""

KAFKA_BYTES_PER_EVENT = 219
"""Bytes on the disk of one broker, uncompressed, with id, time and visitor. Measured with 10,000
events, one per request; 150 with 200 per request."""

COUNTER_ROW_BYTES = 41
"""Bytes on the disk of one ClickHouse. Measured with 990,587 rows of a day whose article ids are 32
random characters, which take 32 of these bytes; 11 with ids like news-2026-000123."""

COUNTER_BYTES_IN_MEMORY = 350
"""Worker memory per cached counter. docs/reference/settings.md,
MOSTREAD_AGGREGATOR_COUNTER_CACHE_SIZE."""

COUNTERS_IN_MEMORY = 400_000
"""Default of the same setting."""

WORKER_BYTES = 120 << 20
"""Memory of a worker at start. performance.md, Scaling: MiB at the start."""

ID_BYTES = 80
"""Worker memory per id of the dedup window while the table grows; 20 to 40 otherwise.
docs/explanation/architecture.md, Exact counting."""

LIST_MS, LIST_ROWS_PER_MS = 40, 5_000
"""Milliseconds for an uncached list, and rows read per further millisecond. 110 thousand rows took
67 ms (performance.md, Lists), 0.8 million 200 to 350, and 7 million 720 to 880, measured with 20
and 200 thousand articles, half of which are read in any minute."""

RANKING_LISTS_PER_CORE = 17_500
"""Requests per second and core for a cached list. performance.md, Lists."""

REREAD_EVENTS_PER_SECOND = 105_000
"""Events per second that a worker rereads for the dedup window, one per record. performance.md,
Aggregators: the bare loop, 1 per record, which counts them as well."""
