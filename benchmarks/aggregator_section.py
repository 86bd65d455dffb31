"""Measure aggregators on the same logs, and compare with targets."""

import functools
import math
from collections.abc import Mapping, Sequence

from benchmarks import program
from benchmarks.aggregators import (
    BARE,
    ENGINES,
    IDIOMATIC,
    MOSTREAD,
    NO_PEERS,
    OTHERS,
    SIZES,
    contestants,
    named,
)
from benchmarks.contestant import Contestant, Measured, Servers
from benchmarks.log import Log, delete, fill
from benchmarks.run import Results, Scale, in_turn
from benchmarks.table import Goal, goals, middle, spread, table, whole


def section(servers: Servers, scale: Scale) -> Results:
    """Measure all aggregators."""
    peers = contestants(scale.events)
    logs = {load: fill(servers.brokers, load) for load in {each.load for each in peers}}
    results = in_turn(
        scale.rounds,
        {each.name: functools.partial(each.run, servers, logs[each.load]) for each in peers},
    )
    for log in logs.values():
        delete(log)
    one = {name: _speed(results[named(name, 1)]) for name in (MOSTREAD, BARE)}
    peer_versions = program.peer_versions() if program.PEERS.exists() else NO_PEERS
    return Results(
        f"{tables(results)}\n\n{peer_versions}",
        {
            "aggregator_events_per_worker": one[MOSTREAD],
            "reread_events_per_second": one[BARE],
        },
    )


def count(servers: Servers, contestant: Contestant, log: Log) -> Measured:
    """Count `log` with a contestant. Fails unless every article has its number of events."""
    measured = contestant.run(servers, log)
    assert not measured.wrong, f"{contestant.name} counted {measured.wrong} articles wrong"
    return measured


def tables(results: Mapping[str, Sequence[Measured]]) -> str:
    """Return the tables: `results` has each round of each contestant.

    One that counted wrong in any round has no figures. Fails if that is mostread or the measure of
    the others.
    """
    right = {
        name: rounds for name, rounds in results.items() if not any(one.wrong for one in rounds)
    }
    needed = {IDIOMATIC, *(named(name, size) for name in (MOSTREAD, BARE) for size in SIZES)}
    assert needed <= right.keys(), f"counted wrong: {needed - right.keys()}"
    speeds = {name: _speed(rounds) for name, rounds in right.items()}
    rows = []
    for name, rounds in results.items():
        if name not in right:
            most = max(one.wrong for one in rounds)
            rows.append([name, f"counted {most:,} articles wrong", *[""] * 4])
            continue
        rows.append(
            [
                name,
                whole(speeds[name]),
                spread([one.events_per_second for one in rounds]),
                f"{speeds[name] / speeds[IDIOMATIC]:.1f}",
                _of_bare(name, speeds),
                f"{_processor(rounds):.2f}",
            ]
        )
    columns = [
        "aggregator",
        "events/s, median",
        "least to most",
        "× usual Faust",
        "of the bare loop",
        "processor, µs per event",
    ]
    return f"{table(columns, rows)}\n\n{goals(_goals(right))}"


def _speed(rounds: Sequence[Measured]) -> float:
    return middle([one.events_per_second for one in rounds])


def _processor(rounds: Sequence[Measured]) -> float:
    return middle([one.processor for one in rounds])


def _of_bare(name: str, speeds: Mapping[str, float]) -> str:
    for size in SIZES:
        if name.endswith(f", {size} per record"):
            return f"{speeds[name] / speeds[named(BARE, size)]:.2f}"
    return ""


def _goals(right: Mapping[str, Sequence[Measured]]) -> list[Goal]:
    one, hundred = (_speed(right[named(MOSTREAD, size)]) for size in SIZES)
    usual = _speed(right[IDIOMATIC])
    cost = {name: _processor(rounds) for name, rounds in right.items()}
    # By processor time, which other load on the machine changes less.
    others = [cost[name] for each in OTHERS if (name := named(each, 1)) in cost]
    engines = [cost[name] for each in ENGINES if (name := named(each, 100)) in cost]
    best_other = min(others, default=math.nan) / cost[named(MOSTREAD, 1)]
    best_engine = min(engines, default=math.nan) / cost[named(MOSTREAD, 100)]
    return [
        Goal("100 per record: × usual Faust", 70, hundred / usual),
        Goal("100 per record: of the bare loop", 0.65, hundred / _speed(right[named(BARE, 100)])),
        Goal("1 per record: × usual Faust", 20, one / usual),
        Goal("1 per record: × the best of the others, by processor time", 1, best_other),
        Goal("100 per record: of ClickHouse's engine, by processor time", 0.6, best_engine),
    ]
