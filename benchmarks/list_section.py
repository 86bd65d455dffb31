"""Measure computed and cached lists."""

from benchmarks import http_load, lists
from benchmarks.collector_section import NO_WRK
from benchmarks.contestant import Servers
from benchmarks.run import Results, Scale
from benchmarks.table import Goal, goals, middle, spread, table, whole

ROWS = 3_000_000
"""Minute counters of a day."""


def section(servers: Servers, scale: Scale) -> Results:
    """Measure once, since writing the rows of a day takes a while."""
    if http_load.missing():
        return Results(NO_WRK)
    rows = min(ROWS, scale.events)
    served = lists.measure(servers, rows=rows, seconds=scale.seconds)
    cold = middle(served.cold_ms)
    columns = [f"list of 24 hours, {rows:,} minute rows", "median", "least to most"]
    shown = [
        ["computed, ms", f"{cold:.0f}", spread(served.cold_ms)],
        [
            "computed with the previous list, ms",
            f"{middle(served.first_ms):.0f}",
            spread(served.first_ms),
        ],
        ["cached, requests/s", whole(served.per_second), ""],
        ["cached, requests per core second", whole(served.per_core_second), ""],
        ["cached, p99 in ms with 50 connections", f"{served.p99_ms:.1f}", ""],
    ]
    wanted = [
        Goal("computed, ms", 100, cold, most=True),
        Goal("cached: requests/s per core", 20_000, served.per_core_second),
        Goal("cached: p99, ms", 5, served.p99_ms, most=True),
    ]
    return Results(
        f"{table(columns, shown)}\n\n{goals(wanted)}",
        {"ranking_lists_per_core": served.per_core_second},
    )
