"""Who counts the log, and how much of it each gets: enough for some seconds."""

import functools
from collections.abc import Mapping

from benchmarks import mostread_aggregator, program
from benchmarks.contestant import Contestant, Run
from benchmarks.log import Load

IDIOMATIC = "usual Faust program, 1 event per record"
MOSTREAD, BARE = "mostread", "bare loop"
# On two cores four consumers were slower than one at an event per record; at a hundred they had
# counted the log before all of them had joined, which left nothing to measure.
ENGINES: Mapping[str, Run] = {
    "ClickHouse's Kafka engine with 1 consumer": functools.partial(
        program.clickhouse_engine, consumers=1
    )
}
SIZES = (1, 100)
"""Events per record."""


def named(who: str, size: int) -> str:
    """Return the name of a contestant that reads records of `size` events."""
    return f"{who}, {size} per record"


def contestants(events: int) -> list[Contestant]:
    """Return all of them, where the fastest count `events`."""
    loads = {1: Load(events // 2, 1), 100: Load(events, 100)}
    runs: dict[str, Run] = {MOSTREAD: mostread_aggregator.run, **ENGINES, BARE: program.bare_loop}
    return [
        Contestant(IDIOMATIC, program.idiomatic_faust, Load(events // 60, 1)),
        *(
            Contestant(named(who, size), run, load)
            for size, load in loads.items()
            for who, run in runs.items()
        ),
    ]
