"""Collectors in turn, and what must be reached."""

import functools
from collections.abc import Sequence

from benchmarks import collectors, http_load
from benchmarks.collectors import COLLECTORS, Taken
from benchmarks.contestant import Servers
from benchmarks.run import Scale, in_turn
from benchmarks.table import Goal, goals, middle, spread, table, whole

NO_WRK = "Not measured: there is no `wrk` (on Debian: `apt-get install wrk`)."


def section(servers: Servers, scale: Scale) -> str:
    """Measure all collectors."""
    if http_load.missing():
        return NO_WRK
    results = in_turn(
        scale.rounds,
        {
            each.name: functools.partial(collectors.measure, servers, each, scale.seconds)
            for each in COLLECTORS
        },
    )
    usual, limit, single, batches, overload, two = results.values()
    # By processor time: what else the machine does is in every rate, and in each another share.
    wanted = [
        Goal("1 per request: × FastAPI", 5, _core(single) / _core(usual)),
        Goal("1 per request: of the limit", 0.5, _core(single) / _core(limit)),
        Goal("200 per request: events/s per core", 500_000, _core(batches)),
        Goal("three times as many: of 1 per request", 0.8, _core(overload) / _core(single)),
        Goal("two workers: events/s per core, of one's", 0.8, _core(two) / _core(single)),
    ]
    columns = [
        "collector",
        "events/s, median",
        "least to most",
        "events per core second",
        "p99, ms",
        "refused/s",
    ]
    rows = [
        [
            name,
            whole(_speed(rounds)),
            spread([taken.events_per_second for taken in rounds]),
            whole(_core(rounds)),
            f"{middle([taken.p99_ms for taken in rounds]):.0f}",
            whole(middle([taken.refused_per_second for taken in rounds])),
        ]
        for name, rounds in results.items()
    ]
    return f"{table(columns, rows)}\n\n{goals(wanted)}"


def _speed(rounds: Sequence[Taken]) -> float:
    return middle([taken.events_per_second for taken in rounds])


def _core(rounds: Sequence[Taken]) -> float:
    return middle([taken.events_per_core_second for taken in rounds])
