"""The reader of audits and dead letters: transactions, and batches that cannot be read."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaProducer

from mostread.devstack.servers.kafka import LocalKafka
from mostread.errors import UnreadableBatch
from mostread.infra.kafka.decompression import MAX_BATCH_BYTES
from mostread.infra.kafka.reader import TopicReader
from tests.faults.verdict import audit
from tests.support.system import System, wait_until


@pytest.fixture
def reader(system: System) -> Iterator[TopicReader]:
    with closing(TopicReader(system.kafka, system.kafka.events_topic)) as reader:
        yield reader


def read(reader: TopicReader, partition: int, start: int = 0) -> list[tuple[int, int]]:
    """Return offset and number of events of each record up to the partition's end."""
    _, end = reader.offset_range(partition)
    return [
        (record.offset, (record.value or b"").count(b"view"))
        for records in (reader.read(partition, start, end) if start < end else ())
        for record in records
    ]


def event(name: str) -> bytes:
    return b'{"type":"view","article_id":"a","id":"%s"}' % name.encode()


async def test_aborted_and_open_transactions_exist_for_nobody(
    system: System, reader: TopicReader
) -> None:
    topic = system.kafka.events_topic
    producers = [
        AIOKafkaProducer(
            bootstrap_servers=system.kafka.bootstrap_servers, transactional_id=f"{topic}-{number}"
        )
        for number in range(2)
    ]
    finished, unfinished = producers
    for producer in producers:
        await producer.start()
    await finished.begin_transaction()
    for number in range(2):
        await finished.send_and_wait(topic, event(f"committed-{number}"), partition=0)
    await finished.commit_transaction()
    for partition in (0, 1):
        await finished.begin_transaction()
        for number in range(2):
            await finished.send_and_wait(topic, event(f"aborted-{number}"), partition=partition)
        await finished.abort_transaction()
    await unfinished.begin_transaction()
    await unfinished.send_and_wait(topic, event("open"), partition=2)
    plain = AIOKafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers)
    await plain.start()
    for partition in (0, 2):
        await plain.send_and_wait(topic, event(f"plain-{partition}"), partition=partition)

    def views() -> int:
        return sum(
            numbers[0]
            for counters in system.counters().values()
            for key, numbers in counters.items()
            if key[1] == "total"
        )

    def check() -> None:
        assert [read(reader, number) for number in range(3)] == [
            [(0, 1), (1, 1), (6, 1)],
            [],
            [],
        ]
        assert reader.offset_range(2) == (0, 0)
        system.service("aggregator").wait_ready()
        wait_until(lambda: views() == 3, "the committed and plain events are counted")
        code, output = audit(system)
        assert code == 0, output

    await asyncio.to_thread(check)
    await unfinished.commit_transaction()
    await asyncio.to_thread(wait_until, lambda: views() == 5, "the rest is counted")
    assert await asyncio.to_thread(read, reader, 2) == [(0, 1), (1, 1)]
    code, output = await asyncio.to_thread(audit, system)
    assert code == 0, output
    for producer in (*producers, plain):
        await producer.stop()


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_batch_that_decompresses_beyond_the_limit_is_named_and_can_be_passed(
    kafka: LocalKafka, system: System, reader: TopicReader, codec: str
) -> None:
    producer = KafkaProducer(
        bootstrap_servers=kafka.brokers, compression_type=codec, max_request_size=1 << 28
    )
    for value in (event("before"), b"x" * MAX_BATCH_BYTES, event("after")):
        producer.send(system.kafka.events_topic, value=value, partition=3).get(60)
    producer.close()
    reading = reader.read(3, 0, 3)
    assert [record.offset for record in next(reading)] == [0]
    with pytest.raises(UnreadableBatch, match="decompresses to more than 64 MiB") as raised:
        next(reading)
    assert (raised.value.offset, raised.value.next_offset) == (1, 2)
    assert read(reader, 3, start=2) == [(2, 1)]
