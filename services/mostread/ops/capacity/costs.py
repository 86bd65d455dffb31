"""What things cost, each with where the figure comes from. All that `mostread plan` computes
from is here; change a figure where a measurement says so.

"Two cores" is the machine of docs/explanation/performance.md; the broker, ClickHouse and the load
shared: a machine of one's own does better.
"""

from mostread.core.retention import (
    DAY_SECONDS,
    DEDUP_REREAD_MS,
    HOUR_ROW_TTL_SECONDS,
    MINUTE_ROW_TTL_SECONDS,
)

COLLECTOR_EVENTS_A_CORE = 4_700
"""Events in requests of their own that a second of a core takes. docs/explanation/performance.md,
Collectors: mostread, events per core second."""

COLLECTOR_BATCHED_EVENTS_A_CORE = 283_000
"""The same in requests of 200. docs/explanation/performance.md, Collectors."""

AGGREGATOR_EVENTS_A_WORKER = 65_500
"""Events a second that a worker counts, each a record of its own, which is the dearest way.
docs/explanation/performance.md, Aggregators: mostread, 1 a record."""

KAFKA_BYTES_AN_EVENT = 219
"""On the disk of one broker, uncompressed, with id, time and visitor. Measured with 10,000 events
in requests of their own; 150 in requests of 200."""

COUNTER_ROW_BYTES = 41
"""On the disk of one ClickHouse. Measured with 990,587 rows of a day whose articles have ids of 32
random characters, of which 32 bytes are the id; with ids like news-2026-000123 it was 11."""

COUNTER_BYTES_IN_MEMORY = 350
"""Of a worker's memory. docs/how-to/operations.md, MOSTREAD_AGGREGATOR_COUNTER_CACHE_SIZE."""

COUNTERS_IN_MEMORY = 400_000
"""The same setting's default."""

WORKER_BYTES = 120 << 20
"""A worker that counts nothing yet. docs/explanation/performance.md, Scaling: MiB at the start."""

ID_BYTES = 80
"""Of a worker's memory for an id it remembers, while the table of ids moves; 20 to 40 in between.
docs/explanation/architecture.md, Duplicates."""

ID_SECONDS = DEDUP_REREAD_MS // 1000
"""Maximum time that a worker remembers an id."""

LIST_MS, LIST_ROWS_A_MS = 40, 5_000
"""A list that is not kept: what each takes, and how many rows are read in a further millisecond.
110 thousand rows took 67 ms (docs/explanation/performance.md, Lists), 0.8 million 200 to 350, and
7 million 720 to 880; measured with 20 and with 200 thousand articles, half of them read in any
minute."""

RANKING_LISTS_A_CORE = 17_500
"""Requests for a list that is kept, a second of a core. docs/explanation/performance.md, Lists."""

REREAD_EVENTS_A_SECOND = 105_000
"""Events a second that a worker reads again to know their ids, each a record of its own.
docs/explanation/performance.md, Aggregators: the bare loop, 1 a record, which counts them too."""

MINUTE_DAYS, HOUR_DAYS = MINUTE_ROW_TTL_SECONDS // DAY_SECONDS, HOUR_ROW_TTL_SECONDS // DAY_SECONDS
"""Days that ClickHouse keeps rows."""
