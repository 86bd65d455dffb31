"""The aggregators to compare, each with a log that takes it some seconds."""

import functools
from collections.abc import Mapping

from benchmarks import mostread_aggregator, program
from benchmarks.contestant import Contestant, Run
from benchmarks.log import Load

IDIOMATIC = "usual Faust program, 1 event per record"
MOSTREAD, BARE = "mostread", "bare loop"
# On two cores, four consumers were slower than one with one event per record; with a hundred they
# had counted the log before all of them had joined, which left nothing to measure.
ENGINES: Mapping[str, Run] = {
    "ClickHouse's Kafka engine with 1 consumer": functools.partial(
        program.clickhouse_engine, consumers=1
    )
}
SIZES = (1, 100)
"""Events per record."""


def named(program: str, size: int) -> str:
    """Return the name of a contestant that reads records of `size` events."""
    return f"{program}, {size} per record"


def contestants(events: int) -> list[Contestant]:
    """Return all contestants; the fastest count `events`."""
    loads = {1: Load(events // 2, 1), 100: Load(events, 100)}
    runs: dict[str, Run] = {MOSTREAD: mostread_aggregator.run, **ENGINES, BARE: program.bare_loop}
    return [
        Contestant(IDIOMATIC, program.idiomatic_faust, Load(events // 60, 1)),
        *(
            Contestant(named(program, size), run, load)
            for size, load in loads.items()
            for program, run in runs.items()
        ),
    ]
