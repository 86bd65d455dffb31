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
QUIX: Mapping[str, Run] = {
    "Quix Streams, windows": program.quix_windows,
    "Quix Streams, state": program.quix_state,
}
PATHWAY: Mapping[str, Run] = {
    "Pathway": functools.partial(program.pathway, dedup=False),
    "Pathway, each id once": functools.partial(program.pathway, dedup=True),
}
OTHERS = [*ENGINES, *QUIX, *PATHWAY]
NO_PEERS = "Not measured: Quix Streams and Pathway; `make bench PEERS=1` installs them (1.4 GB)."

SIZES = (1, 100)
"""Events per record."""


def named(program: str, size: int) -> str:
    """Return the name of a contestant that reads records of `size` events."""
    return f"{program}, {size} per record"


def contestants(events: int) -> list[Contestant]:
    """Return all contestants, peers if they are installed; the fastest count `events`."""
    fast = {MOSTREAD: mostread_aggregator.run, **ENGINES, BARE: program.bare_loop}
    slow: Mapping[str, Run] = {}
    if program.PEERS.exists():
        fast, slow = {**fast, **PATHWAY}, QUIX
    compared = [Contestant(IDIOMATIC, program.idiomatic_faust, Load(events // 60, 1))]
    for size, most in zip(SIZES, (events // 2, events), strict=True):
        for runs, number in ((fast, most), (slow, events // 15)):
            load = Load(number, size)
            compared += [Contestant(named(name, size), run, load) for name, run in runs.items()]
    return compared
