"""Measure aggregators on the same logs, and compare with targets."""

import functools
from collections.abc import Mapping, Sequence

from benchmarks.aggregators import BARE, ENGINES, IDIOMATIC, MOSTREAD, SIZES, contestants, named
from benchmarks.contestant import Contestant, Measured, Servers
from benchmarks.log import Log, delete, fill
from benchmarks.run import Scale, in_turn
from benchmarks.table import Goal, goals, middle, spread, table, whole


def section(servers: Servers, scale: Scale) -> str:
    """Measure all aggregators."""
    peers = contestants(scale.events)
    logs = {each.load: fill(servers.brokers, each.load) for each in peers}
    results = in_turn(
        scale.rounds,
        {each.name: functools.partial(count, servers, each, logs[each.load]) for each in peers},
    )
    for log in logs.values():
        delete(log)
    return tables(results)


def count(servers: Servers, contestant: Contestant, log: Log) -> Measured:
    """Count `log` with a contestant. Fails unless it counted every event."""
    measured = contestant.run(servers, log)
    assert measured.counted == log.load.events, (
        f"{contestant.name} counted {measured.counted} of {log.load.events} events"
    )
    return measured


def tables(results: Mapping[str, Sequence[Measured]]) -> str:
    """Return the tables: `results` has each round of each contestant."""
    speeds = {name: [one.events_per_second for one in each] for name, each in results.items()}
    medians = {name: middle(each) for name, each in speeds.items()}
    rows = [
        [
            name,
            whole(medians[name]),
            spread(each),
            f"{medians[name] / medians[IDIOMATIC]:.1f}",
            _of_bare(name, medians),
            f"{middle([one.processor for one in results[name]]):.2f}",
        ]
        for name, each in speeds.items()
    ]
    columns = [
        "aggregator",
        "events/s, median",
        "least to most",
        "× usual Faust",
        "of the bare loop",
    ]
    columns.append("processor, µs per event")
    return f"{table(columns, rows)}\n\n{goals(_goals(medians))}"


def _of_bare(name: str, medians: Mapping[str, float]) -> str:
    for size in SIZES:
        if name.endswith(f", {size} per record"):
            return f"{medians[name] / medians[named(BARE, size)]:.2f}"
    return ""


def _goals(medians: Mapping[str, float]) -> list[Goal]:
    one, hundred = (medians[named(MOSTREAD, size)] for size in SIZES)
    usual = medians[IDIOMATIC]
    return [
        Goal("100 per record: × usual Faust", 70, hundred / usual),
        Goal("100 per record: of the bare loop", 0.65, hundred / medians[named(BARE, 100)]),
        Goal("1 per record: × usual Faust", 20, one / usual),
        Goal(
            "1 per record: × ClickHouse's Kafka engine",
            1,
            one / max(medians[named(each, 1)] for each in ENGINES),
        ),
    ]
