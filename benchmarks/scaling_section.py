"""Measure counting by workers, articles, record size and time."""

import functools
from collections.abc import Sequence

from benchmarks import mostread_aggregator
from benchmarks.aggregator_section import count
from benchmarks.contestant import Contestant, Measured, Servers
from benchmarks.log import Load, delete, fill
from benchmarks.run import Results, Scale, in_turn
from benchmarks.table import Goal, goals, mib, table, whole

ARTICLES = (1_000, 10_000, 100_000, 1_000_000)
MILLION = f"{ARTICLES[-1]:,} articles, evenly read"
ONE_WORKER = "1 worker"
HOUR = "an hour's log"
FLAT = 1.15
"""Growth of memory allowed in the second half of an hour."""


def section(servers: Servers, scale: Scale) -> Results:
    """Measure each load once; the trend matters, not the single figure."""
    measurements: dict[str, Measured] = {}
    rows = []
    for each in contestants(scale.events):
        log = fill(servers.brokers, each.load)
        measure = functools.partial(count, servers, each, log)
        (measurements[each.name],) = in_turn(1, {each.name: measure})[each.name]
        delete(log)
        rows.append(_row(each, measurements[each.name]))
    hour = _start_middle_end(measurements[HOUR].memory)
    wanted = [
        Goal("peak MiB, " + MILLION, 600, max(measurements[MILLION].memory) / (1 << 20), most=True),
        Goal(HOUR + ": memory at its end, of its middle", FLAT, hour[2] / hour[1], most=True),
    ]
    columns = ["mostread", "events", "events/s", "MiB: start", "middle", "end", "peak"]
    (start, *_) = measurements[ONE_WORKER].memory
    return Results(f"{table(columns, rows)}\n\n{goals(wanted)}", {"worker_bytes_at_start": start})


def contestants(events: int) -> list[Contestant]:
    """Return mostread under each load."""
    plain = Load(events)
    one, two = (functools.partial(mostread_aggregator.run, workers=n) for n in (1, 2))
    contestants = [Contestant(ONE_WORKER, one, plain), Contestant("2 workers", two, plain)]
    for even in (False, True):
        spread = "evenly read" if even else "as on a news page"
        for articles in ARTICLES:
            # With a counter per event this is slow, so a third of the events is enough.
            load = Load(events // 3, articles=articles, even=even)
            contestants.append(Contestant(f"{articles:,} articles, {spread}", one, load))
    for size in (1, 10, 100, 1_000):
        name = "1 event per record" if size == 1 else f"{size:,} events per record"
        contestants.append(Contestant(name, one, Load(events // 6, events_per_record=size)))
    hour = Load(events * 6 // 5, seconds=3600)
    return [*contestants, Contestant(HOUR, one, hour)]


def _row(contestant: Contestant, measured: Measured) -> list[str]:
    memory = [*_start_middle_end(measured.memory), max(measured.memory)]
    speed = whole(measured.events_per_second)
    return [contestant.name, f"{contestant.load.events:,}", speed, *map(mib, memory)]


def _start_middle_end(samples: Sequence[int]) -> tuple[int, int, int]:
    """Return the first, the middle and the last sample."""
    return samples[0], samples[len(samples) // 2], samples[-1]
