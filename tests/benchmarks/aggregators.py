"""Who counts the log, and how much of it each gets: enough for some seconds."""

from benchmarks import mostread_aggregator, program
from benchmarks.contestant import Contestant
from benchmarks.log import Load

IDIOMATIC = "usual Faust program, 1 event a record"
MOSTREAD, ENGINE, LIMIT = "mostread", "ClickHouse's Kafka engine", "bare loop: the limit"
SIZES = (1, 100)
"""Events a record."""


def named(who: str, size: int) -> str:
    """Return the name of a contestant that reads records of `size` events."""
    return f"{who}, {size} a record"


def contestants(events: int) -> list[Contestant]:
    """Return all of them, where the fastest count `events`."""
    loads = {1: Load(events // 6, 1), 100: Load(events, 100)}
    return [
        Contestant(IDIOMATIC, program.idiomatic_faust, Load(events // 60, 1)),
        *(
            Contestant(named(who, size), run, load)
            for size, load in loads.items()
            for who, run in (
                (MOSTREAD, mostread_aggregator.run),
                (ENGINE, program.clickhouse_engine),
                (LIMIT, program.bare_loop),
            )
        ),
    ]
