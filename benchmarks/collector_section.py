"""Measure collectors, and compare with targets."""

import functools
from collections.abc import Sequence

from benchmarks import collectors, http_load
from benchmarks.collectors import COLLECTORS, CollectorResult
from benchmarks.contestant import Servers
from benchmarks.run import Results, Scale, in_turn
from benchmarks.table import Goal, goals, middle, spread, table, whole

NO_WRK = "Not measured: `wrk` is not installed (on Debian: `apt-get install wrk`)."


def section(servers: Servers, scale: Scale) -> Results:
    """Measure all collectors."""
    if http_load.missing():
        return Results(NO_WRK)
    results = in_turn(
        scale.rounds,
        {
            each.name: functools.partial(collectors.measure, servers, each, scale.seconds)
            for each in COLLECTORS
        },
    )
    usual, limit, single, batches, overload, two = results.values()
    # By processor time, since other load on the machine affects each rate differently.
    wanted = [
        Goal("1 per request: × FastAPI", 15, _core(single) / _core(usual)),
        Goal("1 per request: × aiohttp no-op", 1, _core(single) / _core(limit)),
        # A million per core second on a machine where the no-op makes 8,000.
        Goal("200 per request: × aiohttp no-op", 125, _core(batches) / _core(limit)),
        Goal("three times as many: of 1 per request", 0.85, _core(overload) / _core(single)),
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
            spread([result.events_per_second for result in rounds]),
            whole(_core(rounds)),
            f"{middle([result.p99_ms for result in rounds]):.0f}",
            whole(middle([result.refused_per_second for result in rounds])),
        ]
        for name, rounds in results.items()
    ]
    return Results(
        f"{table(columns, rows)}\n\n{goals(wanted)}",
        {
            "collector_events_per_core": _core(single),
            "collector_batched_events_per_core": _core(batches),
        },
    )


def _speed(rounds: Sequence[CollectorResult]) -> float:
    return middle([result.events_per_second for result in rounds])


def _core(rounds: Sequence[CollectorResult]) -> float:
    return middle([result.events_per_core_second for result in rounds])
