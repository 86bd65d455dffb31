"""Measure lookups of stored counters by keys and by sites."""

from functools import partial

from benchmarks.contestant import Servers
from benchmarks.lookups import stored
from benchmarks.run import Results, Scale, in_turn
from benchmarks.table import Goal, goals, middle, table, whole

ROWS = 1_000_000
SITES = 10_000
KEYS = (1, 100, 10_000, ROWS)


def section(servers: Servers, scale: Scale) -> Results:
    """Look up some and all of a million counters, of one site and of ten thousand."""
    rows = min(ROWS, scale.events)
    sizes = [keys for keys in KEYS if keys <= rows]
    with stored(servers, 1, rows) as one, stored(servers, SITES, rows) as many:
        seconds = in_turn(
            scale.rounds,
            {
                f"{keys:,} keys, {name}": partial(counters.seconds, keys)
                for keys in sizes
                for name, counters in (("1 site", one), ("sites", many))
            },
        )
    took = {
        keys: tuple(middle(seconds[f"{keys:,} keys, {name}"]) for name in ("1 site", "sites"))
        for keys in sizes
    }
    columns = ["keys", "1 site, ms", f"{SITES:,} sites, ms", "ratio", "µs per key"]
    shown = [
        [
            f"{keys:,}",
            whole(one * 1000),
            whole(many * 1000),
            f"{many / one:.2f}",
            whole(many * 1e6 / keys),
        ]
        for keys, (one, many) in took.items()
    ]
    most, fewer = sizes[-1], sizes[-2]
    wanted = [
        Goal(f"{keys:,} keys: {SITES:,} sites, of 1 site", 1.5, many / one, most=True)
        for keys, (one, many) in took.items()
    ]
    wanted.append(
        Goal(
            f"a key among {most:,}, of a key among {fewer:,}",
            1.5,
            took[most][1] / most / (took[fewer][1] / fewer),
            most=True,
        )
    )
    return Results(
        f"{table(columns, shown)}\n\n{goals(wanted)}",
        {"lookups_per_second": most / took[most][1]},
    )
