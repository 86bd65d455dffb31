"""Positions, watermark and lost records on partitions that do not end with a record."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from mostread.infra.clickhouse.client import connect
from mostread.infra.clock import now_ms
from mostread.infra.kafka import topics
from tests.faults.log import ends, produce
from tests.faults.verdict import against_recount, audit, is_counted
from tests.support.system import Service, System, wait_until

PARTITION = 1
DAY_MS = 86_400_000


def view(name: str) -> bytes:
    return json.dumps({"type": "view", "article_id": name, "id": name}).encode()


async def transaction(system: System, names: Sequence[str], outcome: str | None) -> None:
    """Write views in a transaction to PARTITION; commit or abort it, or leave it open."""
    producer = AIOKafkaProducer(
        bootstrap_servers=system.kafka.bootstrap_servers,
        transactional_id=f"{system.kafka.events_topic}-{names[0]}",
        transaction_timeout_ms=600_000,
    )
    await producer.start()
    await producer.begin_transaction()
    for name in names:
        await producer.send_and_wait(system.kafka.events_topic, view(name), partition=PARTITION)
    if outcome == "commit":
        await producer.commit_transaction()
    elif outcome == "abort":
        await producer.abort_transaction()
    if outcome:
        await producer.stop()
    else:
        # Closing would abort it; a producer that is killed leaves it open.
        await producer.client.close()


def checkpoint(system: System) -> tuple[int, int, int]:
    """Return next offset, lost records and watermark (ms) of PARTITION."""
    client = connect(system.clickhouse)
    rows = client.query(
        "SELECT next_offset, lost, toUnixTimestamp64Milli(watermark) FROM checkpoints FINAL"
        f" WHERE partition = {PARTITION}"
    ).result_rows
    client.close()
    return tuple(rows[0]) if rows else (0, 0, 0)


def is_current(system: System) -> bool:
    """Whether the watermark of PARTITION is later than the call."""
    asked = now_ms()
    wait_until(lambda: checkpoint(system)[2] > asked, "the watermark moves")
    return True


def delete_records(system: System, before: int) -> None:
    partition = TopicPartition(system.kafka.events_topic, PARTITION)
    with topics.admin(system.kafka) as client:
        client.delete_records({partition: before})


def lag(worker: Service) -> float:
    return worker.sum("mostread_aggregator_lag_records")


@pytest.mark.parametrize(("outcome", "views"), [("commit", 5), ("abort", 0)])
def test_partition_is_caught_up_behind_a_transaction(
    system: System, outcome: str, views: int
) -> None:
    worker = system.service("aggregator").wait_ready()
    asyncio.run(transaction(system, [f"t{n}" for n in range(5)], outcome))
    wait_until(lambda: is_counted(system), "the position is behind the marker")
    assert is_current(system)
    wait_until(lambda: lag(worker) == 0, "no lag is left")
    counted = {key[3]: number for key, number in system.counters().get(PARTITION, {}).items()}
    assert counted == {f"t{n}": (1, 0, 0) for n in range(views)}
    assert checkpoint(system)[:2] == (6, 0)

    assert worker.stop() == 0
    asyncio.run(transaction(system, ["u"], "abort"))
    worker.start()
    wait_until(lambda: is_counted(system), "the position is behind the next marker")
    assert is_current(system)
    assert checkpoint(system)[:2] == (8, 0)
    code, report = audit(system)
    assert (code, "no differences" in report) == (0, True), report


def test_open_transaction_holds_the_watermark_and_is_reported(system: System) -> None:
    system.service("aggregator").wait_ready()
    produce_at(system, view("before"))
    wait_until(lambda: is_counted(system), "the first record is counted")
    asyncio.run(transaction(system, ["open"], None))
    opened = now_ms()
    produce_at(system, view("behind"))
    wait_until(lambda: others_watermark(system) > opened + 3000, "others move")
    next_offset, lost, watermark = checkpoint(system)
    assert (next_offset, lost) == (1, 0)
    assert watermark < opened


def others_watermark(system: System) -> int:
    client = connect(system.clickhouse)
    ((least,),) = client.query(
        "SELECT toUnixTimestamp64Milli(min(watermark)) FROM checkpoints FINAL"
        f" WHERE partition != {PARTITION}"
    ).result_rows
    client.close()
    return int(least)


def produce_at(system: System, value: bytes, time: int | None = None) -> None:
    """Write a record to PARTITION, at a time of its own if the topic has CreateTime."""
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers)
    producer.send(
        system.kafka.events_topic, value=value, partition=PARTITION, timestamp_ms=time
    ).get(30)
    producer.close()


@pytest.mark.parametrize("running", [True, False])
def test_records_removed_from_an_idle_partition_are_lost_once(
    system: System, running: bool
) -> None:
    worker = system.service("aggregator").wait_ready()
    produce_at(system, view("counted"))
    wait_until(lambda: is_counted(system), "the first record is counted")
    if running:
        asyncio.run(transaction(system, ["open"], None))  # nothing behind it can be read
    else:
        assert worker.stop() == 0
    produce_at(system, view("removed"))
    end = ends(system)[PARTITION]
    delete_records(system, end)
    if not running:
        worker.start()
    wait_until(lambda: is_counted(system), "the position is at the end")
    assert checkpoint(system)[:2] == (end, end - 1)
    assert is_current(system)
    reported = 'mostread_aggregator_records_lost_total{reason="retention"}'
    wait_until(lambda: worker.metric(reported) == end - 1, "the loss is reported")
    for _ in range(2):
        assert worker.stop() == 0
        worker.start().wait_ready()
        assert is_current(system)
        assert worker.metric(reported) == 0
        assert checkpoint(system)[:2] == (end, end - 1)
    assert worker.log.read_text().count("records_lost") == 1


def create_time(system: System) -> None:
    """Let producers set the times of their records."""
    limit = str(2**63 - 1)
    settings = {
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": limit,
        "message.timestamp.before.max.ms": limit,
    }
    with topics.admin(system.kafka) as client:
        client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, system.kafka.events_topic, settings)]
        )


def test_record_times_of_any_kind_are_counted_at_a_bounded_time(system: System) -> None:
    create_time(system)
    worker = system.service("aggregator").wait_ready()
    times = [-1, 0, 5_000_000_000_000, 2**63 - 1, now_ms()]
    for number, time in enumerate(times):
        produce_at(system, view(f"t{number}") + b"\n{", time)
    against_recount(system)
    assert {key[3] for key in system.counters()[PARTITION]} == {f"t{n}" for n in range(5)}
    assert system.outcomes()[PARTITION] == {"received": 10, "counted": 5, "dead_lettered": 5}
    assert worker.stop() == 0
    worker.start()
    produce_at(system, view("t0"), now_ms())  # is a duplicate still
    produce_at(system, view("after"), now_ms())
    against_recount(system)
    assert system.outcomes()[PARTITION]["duplicate"] == 1
    code, report = audit(system)
    assert (code, "no differences" in report) == (0, True), report


def test_record_from_the_future_does_not_move_the_watermark(system: System) -> None:
    create_time(system)
    worker = system.service("aggregator").wait_ready()
    ahead = now_ms() + 800 * DAY_MS
    produce_at(system, view("ahead"), ahead)
    wait_until(lambda: is_counted(system), "the record is counted")
    assert is_current(system)
    assert checkpoint(system)[2] <= now_ms()
    metric = f'mostread_aggregator_record_time_ahead_seconds{{partition="{PARTITION}"}}'
    assert 799 * 86_400 < worker.metric(metric) < 800 * 86_400
    assert worker.stop() == 0
    stopped = now_ms()
    produce(system, [(f"key{n}", view(f"waiting{n}")) for n in range(50)])
    assert checkpoint(system)[2] <= stopped
