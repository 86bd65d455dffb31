"""Positions, watermark and lost records where a partition does not end with a record to count."""

import json
from datetime import datetime

import pytest

from mostread.infra.clickhouse.client import connect
from mostread.infra.clock import now_ms
from mostread.infra.healthcheck import get_json
from mostread.infra.kafka import topics
from tests.faults.log import (
    create_time,
    delete_records,
    ends,
    produce,
    produce_to,
    topic_of,
    transaction,
)
from tests.faults.verdict import against_recount, audit, is_counted
from tests.support.system import System, wait_until

PARTITION = 1
DAY_MS = 86_400_000
LOST = 'mostread_aggregator_records_lost_total{reason="retention"}'


def view(name: str) -> bytes:
    return json.dumps({"type": "view", "article_id": name, "id": name}).encode()


def checkpoint(system: System, partition: int = PARTITION) -> tuple[int, int, int]:
    """Return next offset, lost records and watermark (ms) of a partition of the current topic."""
    client = connect(system.clickhouse)
    rows = client.query(
        "SELECT next_offset, lost, toUnixTimestamp64Milli(watermark) FROM checkpoint_versions FINAL"
        " WHERE topic_id = {id:UUID} AND partition = {partition:UInt32}",
        parameters={"id": str(topic_of(system).id), "partition": partition},
    ).result_rows
    client.close()
    next_offset, lost, watermark = rows[0] if rows else (0, 0, 0)
    return next_offset, lost, watermark


def wait_until_current(system: System, partition: int = PARTITION) -> None:
    """Wait until the watermark of a partition is later than this call."""
    since = now_ms()
    wait_until(lambda: checkpoint(system, partition)[2] > since, "the watermark moves")
    assert checkpoint(system, partition)[2] <= now_ms()


@pytest.mark.parametrize(("commit", "views"), [(True, 5), (False, 0)])
def test_partition_is_caught_up_behind_a_transaction(
    system: System, commit: bool, views: int
) -> None:
    worker = system.service("aggregator").wait_ready()
    with transaction(system, PARTITION, [view(f"t{n}") for n in range(5)], commit=commit):
        wait_until(
            lambda: (
                worker.metric(f'mostread_aggregator_lag_records{{partition="{PARTITION}"}}') > 4
            ),
            "the open transaction is lag",
        )
    wait_until(lambda: is_counted(system), "the position is behind the marker")
    wait_until_current(system)
    wait_until(lambda: worker.sum("mostread_aggregator_lag_records") == 0, "no lag is left")
    counted = {key[3]: numbers for key, numbers in system.counters().get(PARTITION, {}).items()}
    assert counted == {f"t{n}": (1, 0, 0) for n in range(views)}
    assert checkpoint(system)[:2] == (6, 0)

    assert worker.stop() == 0
    with transaction(system, PARTITION, [view("u")], commit=False):
        pass
    worker.start()
    wait_until(lambda: is_counted(system), "the position is behind the next marker")
    wait_until_current(system)
    assert checkpoint(system)[:2] == (8, 0)
    against_recount(system)
    code, report = audit(system)
    assert (code, "no differences" in report) == (0, True), report


def test_open_transaction_holds_the_watermark_before_its_first_record(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    produce_to(system, PARTITION, view("before"))
    wait_until_current(system)
    with transaction(system, PARTITION, [view("open")], commit=True):
        opened = now_ms()
        produce_to(system, PARTITION, view("behind"))
        produce_to(system, 0, view("elsewhere"))
        wait_until_current(system, 0)
        assert worker.stop() == 0
        worker.start()
        wait_until_current(system, 0)
        next_offset, lost, watermark = checkpoint(system)
        assert (next_offset, lost) == (1, 0)
        assert 0 < watermark < opened
    wait_until_current(system)
    against_recount(system)
    assert {key[3] for key in system.counters()[PARTITION]} == {"before", "open", "behind"}


@pytest.mark.parametrize("running", [True, False])
def test_records_removed_from_an_idle_partition_are_lost_once(
    system: System, running: bool
) -> None:
    worker = system.service("aggregator").wait_ready()
    produce_to(system, PARTITION, view("counted"))
    wait_until(lambda: is_counted(system), "the first record is counted")
    if not running:
        assert worker.stop() == 0
    with transaction(system, PARTITION, [view("removed")], commit=False):
        produce_to(system, PARTITION, view("removed too"))  # and cannot be read yet
        delete_records(system, PARTITION, 3)
        if not running:
            worker.start()
        wait_until(lambda: checkpoint(system)[:2] == (3, 2), "two records are lost")
    wait_until(lambda: is_counted(system), "the position is behind the marker")
    wait_until_current(system)
    assert checkpoint(system)[:2] == (4, 2)
    wait_until(lambda: worker.metric(LOST) == 2, "the loss is reported")
    for _ in range(2):
        assert worker.stop() == 0
        worker.start().wait_ready()
        wait_until_current(system)
        assert worker.metric(LOST) == 0
        assert checkpoint(system)[:2] == (4, 2)
    assert worker.log.read_text().count("records_lost") == 1
    produce_to(system, PARTITION, view("after"))
    wait_until(lambda: is_counted(system), "the next record is counted")
    assert {key[3] for key in system.counters()[PARTITION]} == {"counted", "after"}


def test_record_of_any_time_is_counted_at_a_bounded_time(system: System) -> None:
    create_time(system)
    worker = system.service("aggregator").wait_ready()
    times = [-1, 0, 5_000_000_000_000, 2**63 - 1, now_ms()]
    for number, time in enumerate(times):
        produce_to(system, PARTITION, view(f"t{number}") + b"\n{", time)
    wait_until(lambda: is_counted(system), "all records are counted")
    totals = {key[3] for key in system.counters()[PARTITION] if key[1] == "total"}
    assert totals == {f"t{n}" for n in range(5)}  # minutes of 1970 have expired
    assert system.outcomes()[PARTITION] == {"received": 10, "counted": 5, "dead_lettered": 5}
    assert worker.stop() == 0
    worker.start()
    produce_to(system, PARTITION, view("t2"), now_ms())  # is still a duplicate
    produce_to(system, PARTITION, view("after"), now_ms())
    wait_until(lambda: is_counted(system), "the repeated event and the last are counted")
    assert system.outcomes()[PARTITION]["duplicate"] == 1
    wait_until_current(system)
    code, report = audit(system)
    assert (code, "no differences" in report) == (0, True), report


def test_record_from_the_future_moves_no_watermark_and_outlives_no_topic(system: System) -> None:
    create_time(system)
    worker = system.service("aggregator").wait_ready()
    ranking = system.service("ranking").wait_ready()
    produce_to(system, PARTITION, view("ahead"), now_ms() + 800 * DAY_MS)
    wait_until(lambda: is_counted(system), "the record is counted")
    wait_until_current(system)
    metric = f'mostread_aggregator_record_time_ahead_seconds{{partition="{PARTITION}"}}'
    assert 799 * 86_400 < worker.metric(metric) < 800 * 86_400
    assert worker.stop() == 0
    stopped = now_ms()
    produce(system, [(f"key{n}", view(f"waiting{n}")) for n in range(50)])

    def as_of() -> int:
        listed = get_json(ranking.url, "/v1/most-read")["as_of"]
        return int(datetime.fromisoformat(listed).timestamp() * 1000) if listed else 0

    assert as_of() <= stopped
    worker.start()
    wait_until(lambda: is_counted(system), "all records are counted")

    # The predecessor's watermark stays ahead, as one written by a clock that was set back.
    client = connect(system.clickhouse)
    client.command(
        "INSERT INTO checkpoint_versions"
        " SELECT * REPLACE (watermark + INTERVAL 800 DAY AS watermark)"
        " FROM checkpoint_versions FINAL"
    )
    client.close()
    name = system.kafka.events_topic
    with topics.admin(system.kafka) as admin:
        admin.delete_topics([name])
        wait_until(lambda: name not in admin.list_topics(), "the topic is gone")
    system.init()
    since = now_ms()
    wait_until(lambda: as_of() > since and as_of() <= now_ms(), "lists follow the new topic")
    assert sum(ends(system).values()) == 0
