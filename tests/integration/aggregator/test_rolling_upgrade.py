"""Workers of two versions in one group, under traffic: those before and after new counting rules.

There is no released version before this one to run. What would tell two versions apart is what
they announce to each other, and that is what the newer worker here does: it is this code with a
higher number of its rules (services/mostread/core/counting/__init__.py). That tables and rows of an
earlier version are taken is in test_migrations.py.
"""

from contextlib import closing

from mostread.infra.auth.tokens import hash_token
from mostread.infra.clickhouse.client import connect
from tests.faults.ledger import Key, Numbers
from tests.faults.rig import TOKEN
from tests.faults.traffic import Traffic
from tests.faults.verdict import against_recount, audit
from tests.support.system import Service, System, wait_until


class NewerWorker(Service):
    """A worker that knows the next rules."""

    program = (
        "-c",
        "from mostread.core import counting; counting.RULES_VERSION += 1;"
        "from mostread.cli.main import main; main()",
    )


def newer(system: System) -> Service:
    return system.started(NewerWorker("aggregator", system.environment, system.directory))


def rules(system: System) -> dict[int, int]:
    """Return by which rules each partition is counted."""
    with closing(connect(system.clickhouse)) as client:
        return dict(client.query("SELECT partition, rules FROM checkpoints FINAL").result_rows)


def test_old_and_new_workers_count_side_by_side(system: System) -> None:
    system.environment["MOSTREAD_COLLECTOR_TOKENS"] = f"frontend:emit:{hash_token(TOKEN)}"
    system.environment["MOSTREAD_AGGREGATOR_SHUTDOWN_TIMEOUT_SECONDS"] = "3"
    collector = system.service("collector").wait_ready()
    old = [system.service("aggregator").wait_ready() for _ in range(2)]
    traffic = Traffic([collector.url], TOKEN, seed=3, rate=500).start()
    try:
        wait_until(lambda: set(rules(system).values()) == {1}, "the old ones count")
        assert old[0].stop() == 0
        new = newer(system).wait_ready()
        wait_until(lambda: set(rules(system).values()) == {1, 2}, "both count, each its partitions")
        assert old[1].stop() == 0
        wait_until(lambda: set(rules(system).values()) == {2}, "the new one counts everything")
        # An old one that comes back, as its supervisor would let it, spoils nothing.
        late = old[0].start()
        wait_until(
            lambda: "is counted by rules 2" in late.failing(), "it leaves alone what is counted"
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
    code, said = audit(system)
    assert code == 0, said
