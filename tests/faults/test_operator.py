"""Operator actions that break the counting, and that `mostread audit` reports."""

from contextlib import closing

import pytest
from kafka import TopicPartition
from kafka.admin import OffsetSpec

from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from tests.faults.log import produce
from tests.faults.verdict import against_recount, audit
from tests.support.system import Service, System, wait_until

RECORDS = [
    (f"a-{number % 20}", b'{"type":"view","article_id":"a-%d"}' % (number % 20))
    for number in range(200)
]


@pytest.fixture
def counted(system: System) -> tuple[System, Service]:
    """A system in which 200 views are counted, and audited, by a worker that has ended."""
    worker = system.service("aggregator").wait_ready()
    produce(system, RECORDS)
    against_recount(system)
    assert worker.stop() == 0
    assert audit(system)[0] == 0, "nothing is wrong yet"
    return system, worker


def command(system: System, sql: str) -> None:
    with closing(connect(system.clickhouse)) as client:
        client.command(sql, settings={"mutations_sync": 1})


def assert_audit_reports_differences(system: System) -> None:
    code, output = audit(system)
    assert code == 1, output


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO counter_versions SELECT * REPLACE (views + 1 AS views, version + 1 AS version)"
        " FROM counter_versions FINAL WHERE grain = 'total' LIMIT 1",
        "ALTER TABLE counter_versions DELETE WHERE grain = 'minute' AND article_id = 'a-7'",
        "TRUNCATE TABLE counter_versions",
    ],
    ids=["a number is changed", "rows are deleted", "all rows are deleted"],
)
def test_audit_reports_rows_changed_by_hand(counted: tuple[System, Service], sql: str) -> None:
    system, _ = counted
    command(system, sql)
    assert_audit_reports_differences(system)


def test_partitions_of_checkpoints_moved_forward_stop(counted: tuple[System, Service]) -> None:
    """The records below such a checkpoint are newer than any that it has counted."""
    system, worker = counted
    command(
        system,
        "INSERT INTO checkpoint_versions"
        " SELECT * REPLACE (next_offset + 20 AS next_offset) FROM checkpoint_versions FINAL",
    )
    produce(system, RECORDS * 3)
    worker.start().wait_ready()
    stopped = "mostread_aggregator_stopped_partitions"
    wait_until(lambda: worker.sum(stopped) == 4, "no partition skips events")
    assert worker.stop() == 0
    assert_audit_reports_differences(system)


def test_moved_committed_offsets_leave_counts_exact(counted: tuple[System, Service]) -> None:
    """Counting begins where `checkpoint_versions` says, so this breaks nothing."""
    system, worker = counted
    group = system.environment["MOSTREAD_AGGREGATOR_GROUP"]
    places = [TopicPartition(system.kafka.events_topic, number) for number in range(4)]
    with topics.admin(system.kafka) as admin:
        admin.reset_group_offsets(group, dict.fromkeys(places, OffsetSpec.EARLIEST))
    produce(system, RECORDS)
    worker.start().wait_ready()
    against_recount(system)
    assert worker.stop() == 0
    assert audit(system)[0] == 0
