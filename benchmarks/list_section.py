"""Measure computed and cached lists, and analysts' queries."""

from collections.abc import Sequence

from benchmarks import http_load, lists, ranges
from benchmarks.collector_section import NO_WRK
from benchmarks.contestant import Servers
from benchmarks.lists import CachedLoad
from benchmarks.run import Results, Scale
from benchmarks.table import Goal, goals, middle, spread, table, whole

ROWS = 3_000_000
"""Minute counters of a day."""

ARTICLES = 100_000
"""Articles of a year."""


def section(servers: Servers, scale: Scale) -> Results:
    """Measure computed lists once, since writing the rows of a day takes a while."""
    if http_load.missing():
        return Results(NO_WRK)
    rows = min(ROWS, scale.events)
    served = lists.measure(servers, rows=rows, seconds=scale.seconds, rounds=scale.rounds)
    articles = min(ARTICLES, scale.events)
    spans, queries = ranges.measure(servers, articles=articles)
    of_spans = [[span, f"{middle(ms):.0f}", spread(ms)] for span, ms in spans.items()]
    cold = middle(served.cold_ms)
    of_queries = [
        [name, f"{middle(view):.0f}", f"{middle(raw):.0f}", f"{middle(view) / middle(raw):.1f}"]
        for name, (view, raw) in queries.items()
    ]
    columns = [f"list of 24 hours, {rows:,} minute rows", "median", "least to most"]
    shown = [
        ["computed, ms", f"{cold:.0f}", spread(served.cold_ms)],
        [
            "computed with the previous list, ms",
            f"{middle(served.first_ms):.0f}",
            spread(served.first_ms),
        ],
        *_cached("cached", served.cached),
        *_cached("the same bytes from aiohttp", served.limit),
    ]
    wanted = [
        Goal("computed, ms", 100, cold, most=True),
        *(
            Goal(f"{span}, ms", 200, middle(spans[span]), most=True)
            for span in ("30 days", "399 days")
        ),
        Goal("cached: × aiohttp", 2, _per_core(served.cached) / _per_core(served.limit)),
        Goal("cached: p99, ms", 5, middle([load.p99_ms for load in served.cached]), most=True),
    ]
    return Results(
        "\n\n".join(
            (
                table(columns, shown),
                table(
                    [f"list over {articles:,} articles, ms", "median", "least to most"], of_spans
                ),
                table(["query over the same", "view, ms", "table, ms", "ratio"], of_queries),
                goals(wanted),
            )
        ),
        {"ranking_lists_per_core": _per_core(served.cached)},
    )


def _cached(name: str, loads: Sequence[CachedLoad]) -> list[list[str]]:
    rates = [load.per_second for load in loads]
    p99 = [load.p99_ms for load in loads]
    return [
        [f"{name}, requests/s", whole(middle(rates)), spread(rates)],
        [f"{name}, requests per core second", whole(_per_core(loads)), ""],
        [f"{name}, p99 in ms with 50 connections", f"{middle(p99):.1f}", spread(p99)],
    ]


def _per_core(loads: Sequence[CachedLoad]) -> float:
    return middle([load.per_core_second for load in loads])
