"""A run: a schedule of faults under traffic, and what is counted at its end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults import (
    clickhouse_faults,
    cluster_faults,
    collector_faults,
    exclusion_faults,
    forget_faults,
    hostile_faults,
    kafka_faults,
    topic_faults,
    worker_faults,
)
from tests.faults.fault import Fault
from tests.faults.play import Report, play
from tests.faults.rig import Mostread, running_mostread
from tests.faults.schedule import Planned, schedule
from tests.faults.verdict import audit, differences

# Peers are held against these, so what is added to them changes what their seeds mean.
FAULTS: list[Fault[Mostread]] = [
    *worker_faults.FAULTS,
    *kafka_faults.FAULTS,
    *clickhouse_faults.FAULTS,
    *collector_faults.FAULTS,
    *topic_faults.FAULTS,
]
LONG = 300
"""Schedules of at least this many seconds may stop Kafka for a minute."""


def faults(brokers: int) -> list[Fault[Mostread]]:
    """Return the faults that a system with this number of brokers can meet."""
    cluster = cluster_faults.FAULTS if brokers > 1 else []
    operator = [*forget_faults.FAULTS, *exclusion_faults.FAULTS]
    return [*FAULTS, *hostile_faults.FAULTS, *operator, *cluster]


def plan(seed: int, seconds: float, faults: Sequence[Fault[Mostread]] = FAULTS) -> list[Planned]:
    """Return the schedule of a run."""
    long = [kafka_faults.DOWN_FOR_A_MINUTE] if seconds >= LONG else []
    return schedule(seed, seconds, [*faults, *long])


def chaos(
    directory: Path,
    planned: Sequence[Planned],
    *,
    seed: int,
    report: Report,
    transport: str = "fast",
    brokers: int = 1,
) -> list[str]:
    """Play `planned` on a system of its own in `directory`; return every difference found."""
    with running_mostread(directory, seed=seed, transport=transport, brokers=brokers) as rig:
        rig.traffic.start()
        play(rig, planned, [*faults(brokers), kafka_faults.DOWN_FOR_A_MINUTE], report)
        ledger = rig.traffic.stop()
        for name, times in sorted(Counter(each.name for each in planned).items()):
            report(f"{times:4} times  {name}")
        report(ledger.summary())
        problems = differences(rig, ledger)
        code, output = audit(rig.system)
        if code != 0:
            problems.append(f"mostread audit ended with {code}: {output}")
        died = rig.workers.died + rig.collectors.died
        report(f"services that exited by themselves and were restarted: {died}")
        report(f"faults whose moment did not come during other faults: {rig.missed}")
    return problems
