"""Workers with older and newer counting rules in one consumer group, under traffic.

No earlier version is released. The newer worker is this code with a higher RULES_VERSION
(services/mostread/core/counting/__init__.py), by which workers recognise each other's version.
"""

from contextlib import closing

from mostread.core.counting import RULES_VERSION
from mostread.infra.auth.tokens import hash_token
from mostread.infra.clickhouse.client import connect
from tests.faults.ledger import Key, Numbers
from tests.faults.rig import TOKEN
from tests.faults.traffic import Traffic
from tests.faults.verdict import against_recount, audit
from tests.support.system import Service, System, wait_until

NEWER = RULES_VERSION + 1


class NewerWorker(Service):
    """A worker with the next rules."""

    program = (
        "-c",
        "from mostread.core import counting; counting.RULES_VERSION += 1;"
        "from mostread.cli.main import main; main()",
    )


def newer(system: System) -> Service:
    return system.started(NewerWorker("aggregator", system.environment, system.directory))


def rules(system: System) -> dict[int, int]:
    """Return the rules version of each partition."""
    with closing(connect(system.clickhouse)) as client:
        return dict(
            client.query("SELECT partition, rules FROM checkpoint_versions FINAL").result_rows
        )


def test_workers_with_older_and_newer_rules_share_partitions(system: System) -> None:
    system.environment["MOSTREAD_COLLECTOR_TOKENS"] = f"frontend:emit:{hash_token(TOKEN)}"
    system.environment["MOSTREAD_AGGREGATOR_SHUTDOWN_TIMEOUT_SECONDS"] = "3"
    collector = system.service("collector").wait_ready()
    old = [system.service("aggregator").wait_ready() for _ in range(2)]
    traffic = Traffic([collector.url], TOKEN, seed=3, rate=500).start()
    try:
        wait_until(lambda: set(rules(system).values()) == {RULES_VERSION}, "the old ones count")
        assert old[0].stop() == 0
        new = newer(system).wait_ready()
        wait_until(
            lambda: set(rules(system).values()) == {RULES_VERSION, NEWER},
            "both count, each its partitions",
        )
        assert old[1].stop() == 0
        wait_until(lambda: set(rules(system).values()) == {NEWER}, "the new one counts everything")
        # An old worker that its supervisor restarts changes nothing.
        late = old[0].start()
        wait_until(
            lambda: f"is counted by rules {NEWER}" in late.failing(),
            "it leaves counted partitions alone",
        )
        late.kill()
        other = newer(system).wait_ready()
    finally:
        ledger = traffic.stop()
    against_recount(system)
    counted: dict[Key, Numbers] = {}
    for of_partition in system.counters().values():
        counted |= of_partition
    assert counted == ledger.counters()
    assert all(worker.stop() == 0 for worker in (new, other))
    code, output = audit(system)
    assert code == 0, output
