"""Delivery: partitions, batches, capacity and outcomes."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner
from prometheus_client import CollectorRegistry

from mostread.collector.config import CollectorSettings
from mostread.collector.delivery.delivery import Delivery, Partitions, lines_by_partition
from mostread.collector.delivery.producer import OnDone, Producer, Written
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.pipeline.event import SentEvent
from mostread.errors import KafkaUnavailable, OutcomeUnknown, Overloaded

MAX_BYTES = 4 << 20


class FakeCluster:
    """The part of kafka-python's cluster metadata that its partitioner uses."""

    def __init__(self, partitions: int) -> None:
        self._partitions = set(range(partitions))

    def topics(self) -> set[str]:
        return {"t"}

    def partitions_for_topic(self, _: str) -> set[int]:
        return self._partitions

    available_partitions_for_topic = partitions_for_topic


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1, 300))
def test_partition_equals_kafkas_default_partitioner(key: str, partitions: int) -> None:
    chosen = DefaultPartitioner().partition(
        "t", None, key.encode(), None, None, FakeCluster(partitions)
    )
    (partition,) = lines_by_partition(
        [SentEvent(type="view", article_id=key)], Partitions(partitions)
    )
    assert partition == chosen


def test_lines_are_ndjson_in_the_order_sent() -> None:
    events = [SentEvent(type="view", article_id="a", id=str(n)) for n in range(3)]
    (lines,) = lines_by_partition(events, Partitions(8)).values()
    assert lines.endswith(b"\n")
    assert [json.loads(line)["id"] for line in lines.splitlines()] == ["0", "1", "2"]


@dataclass
class FakeProducer:
    """Stores records until the test calls their `on_done`."""

    partitions: int = 8
    error: str | None = None
    inflight_bytes: int = 0
    records: asyncio.Queue[tuple[bytes, OnDone]] = field(default_factory=asyncio.Queue)

    def unavailable_reason(self) -> str | None:
        return self.error

    def send(
        self,
        topic: str,
        value: bytes,
        *,
        on_done: OnDone,
        key: bytes | None = None,
        partition: int | None = None,
    ) -> None:
        self.records.put_nowait((value, on_done))


def delivery(producer: FakeProducer, max_requests: int = 10) -> Delivery:
    settings = CollectorSettings(
        collector_linger_ms=0,
        collector_max_inflight_requests=max_requests,
        collector_max_inflight_bytes=MAX_BYTES,
    )
    metrics = CollectorMetrics(CollectorRegistry())
    return Delivery(settings, cast(Producer, producer), metrics)


STORED = Written(offset=7, timestamp=1_795_461_787_364)


def views(*articles: str) -> list[SentEvent]:
    return [SentEvent(type="view", article_id=article) for article in articles]


async def produced(producer: FakeProducer, count: int) -> list[tuple[bytes, OnDone]]:
    async with asyncio.timeout(30):
        return [await producer.records.get() for _ in range(count)]


async def test_delivery_batches_requests_of_one_partition_into_one_record() -> None:
    producer = FakeProducer(partitions=1)
    delivering = delivery(producer)
    sends = [asyncio.create_task(delivering.send(views(article))) for article in "ab"]
    ((value, on_done),) = await produced(producer, 1)
    assert len(value.splitlines()) == 2
    assert delivering.inflight_requests == 2
    on_done(STORED)
    await asyncio.gather(*sends)
    assert delivering.inflight_requests == 0


async def test_delivery_waits_for_every_partition_of_a_request() -> None:
    producer = FakeProducer()
    delivering = delivery(producer)
    sending = asyncio.create_task(delivering.send(views("a", "b", "c")))
    partitions = len(lines_by_partition(views("a", "b", "c"), Partitions(8)))
    assert partitions > 1
    (_, first), *others = await produced(producer, partitions)
    first(OutcomeUnknown("no acknowledgement"))
    with pytest.raises(OutcomeUnknown):
        await sending
    assert delivering.inflight_requests == 1
    for _, on_done in others:
        on_done(STORED)
    assert delivering.inflight_requests == 0


async def test_delivery_refuses_requests_beyond_its_capacity() -> None:
    producer = FakeProducer()
    delivering = delivery(producer, max_requests=1)
    sending = asyncio.create_task(delivering.send(views("a")))
    ((_, on_done),) = await produced(producer, 1)
    with pytest.raises(Overloaded, match="requests"):
        delivering.check_capacity()
    on_done(STORED)
    await sending
    delivering.check_capacity()
    producer.inflight_bytes = MAX_BYTES
    with pytest.raises(Overloaded, match="events"):
        await delivering.send(views("a"))
    producer.error = "no broker answers at kafka.internal"
    with pytest.raises(KafkaUnavailable, match=r"^Kafka is unavailable\.$"):
        await delivering.send(views("a"))
    assert delivering.inflight_requests == 0


async def test_delivery_of_an_article_awaits_its_acknowledgement() -> None:
    producer = FakeProducer()
    delivering = delivery(producer)
    for outcome in (STORED, OutcomeUnknown("no acknowledgement")):
        sending = asyncio.create_task(delivering.send_articles([(b"key", None)]))
        ((_, on_done),) = await produced(producer, 1)
        assert not sending.done()
        on_done(outcome)
        assert (await asyncio.gather(sending, return_exceptions=True))[0] is outcome
