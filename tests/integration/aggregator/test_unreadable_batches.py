"""A batch that cannot be read stops its partition, and no other of the same worker."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer

from mostread.aggregator.stream.event_topic import EventTopic
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.errors import FetchRefused, UnreadableBatch
from mostread.infra.clickhouse.client import connect
from tests.faults.log import topic_of
from tests.support.segments import (
    GZIP,
    break_last_record,
    change_codec,
    change_magic,
    damage,
    fill_payload,
    flip_payload,
    shorten,
)
from tests.support.servers import running_kafka
from tests.support.system import Service, System, wait_until
from tests.support.tools import tool

DAMAGES = [
    ("wrong checksum", None, flip_payload),
    ("unknown codec 6", None, change_codec(6)),
    ("unknown format version 3", None, change_magic(3)),
    ("broken gzip data", GZIP, fill_payload),
    ("not parsable", None, break_last_record),
]
UNKNOWN_VERSION = 2
"""The damage of which not even the end of the batch is known."""
BOMBS = ["gzip", "zstd"]
REFUSED = len(DAMAGES) + len(BOMBS)
"""The partition of which the broker refuses every fetch, because it cannot find the offset."""
INTACT = 2
PARTITIONS = REFUSED + 1 + INTACT
STOPPED = "mostread_aggregator_stopped_partitions"
BATCH = 3
"""Records of a batch, of which each partition gets three."""


def events(partition: int, first: int) -> list[bytes]:
    return [
        orjson.dumps({"type": "view", "article_id": f"p{partition}", "id": f"{partition}-{number}"})
        for number in range(first, first + BATCH)
    ]


def send_batch(kafka: LocalKafka, topic: str, partition: int, first: int, codec: str | None) -> int:
    """Write one batch, and return its first offset."""
    producer = KafkaProducer(
        bootstrap_servers=kafka.brokers, linger_ms=1000, compression_type=codec, acks="all"
    )
    sent = [producer.send(topic, value, partition=partition) for value in events(partition, first)]
    producer.flush()
    offsets = [future.get(30).offset for future in sent]
    producer.close()
    return int(offsets[0])


def send_bomb(kafka: LocalKafka, topic: str, partition: int, codec: str, file: Path) -> None:
    """Write a record of which a few KB decompress to more than a batch may hold."""
    if not file.exists():
        file.write_bytes(b" " * (65 << 20))
    command = [tool("kcat"), "-b", kafka.brokers, "-t", topic, "-p", str(partition), "-z", codec]
    limit = ["-X", "message.max.bytes=200000000"]
    subprocess.run([*command, *limit, "-P", str(file)], check=True)


@pytest.fixture(scope="module")
def damaged(
    clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LocalKafka, System]]:
    """A topic in which each partition but two has a batch that cannot be read."""
    directory = tmp_path_factory.mktemp("damaged")
    with running_kafka(directory / "kafka") as kafka:
        system = System(kafka.brokers, clickhouse.url, "damaged", directory)
        system.init(PARTITIONS)
        topic = system.kafka.events_topic
        codecs = [codec for _, codec, _ in DAMAGES]
        for number in range(PARTITIONS):
            send_batch(kafka, topic, number, 0, None)
        for number in range(PARTITIONS):
            if 0 <= number - len(DAMAGES) < len(BOMBS):
                send_bomb(kafka, topic, number, BOMBS[number - len(DAMAGES)], directory / "bomb")
            else:
                codec = "gzip" if number < len(DAMAGES) and codecs[number] else None
                assert send_batch(kafka, topic, number, BATCH, codec) == BATCH
        for number in range(PARTITIONS):
            send_batch(kafka, topic, number, 2 * BATCH, None)
        kafka.stop()
        for number, (_, _, change) in enumerate(DAMAGES):
            damage(kafka, topic, number, BATCH, change)
        kafka.start()
        damage(kafka, topic, REFUSED, BATCH, shorten)  # a broker does not start on it
        yield kafka, system
        system.end()


async def read(
    topic: EventTopic, partition: int, start: int, until: int, offsets: list[int]
) -> None:
    """Append the offsets that can be read to `offsets`."""
    async for records in topic.read(partition, start, until):
        offsets += [record.offset for record in records]


def stopped(worker: Service) -> dict[int, str]:
    """Return the errors of the partitions that a worker has stopped."""
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if line[:1] == "{"]
    return {
        line["partition"]: line["error"] for line in lines if line["event"] == "partition_stopped"
    }


def next_offsets(system: System) -> Counter[int]:
    client = connect(system.clickhouse)
    rows = client.query("SELECT partition, next_offset FROM checkpoint_versions FINAL").result_rows
    client.close()
    return Counter(dict(rows))


def insert_checkpoint(system: System, partition: int, next_offset: int) -> None:
    topic = topic_of(system)
    columns = ["topic_id", "partition", "partitions", "next_offset", "record_time"]
    row = [topic.id, partition, topic.partitions, next_offset, datetime.now(UTC)]
    client = connect(system.clickhouse)
    client.insert("checkpoint_versions", [row], column_names=columns)
    client.close()


@pytest.mark.parametrize(("sent", "transport"), [(0, "fast"), (1, "stock")])
def test_unreadable_batch_stops_only_its_partition(
    damaged: tuple[LocalKafka, System], clickhouse: LocalClickHouse, sent: int, transport: str
) -> None:
    kafka, source = damaged
    system = System(kafka.brokers, clickhouse.url, f"damaged_{transport}", source.directory)
    system.environment["MOSTREAD_KAFKA_TOPIC_PREFIX"] = source.kafka.kafka_topic_prefix
    system.kafka = source.kafka
    system.init(PARTITIONS)
    ends = dict.fromkeys(range(PARTITIONS - INTACT), BATCH)
    if sent:
        # The refused batch was counted before, and recovery needs its ids.
        ends[REFUSED] = 3 * BATCH
        insert_checkpoint(system, REFUSED, ends[REFUSED])
    worker = source.started(
        Service(
            "aggregator",
            {**system.environment, "MOSTREAD_AGGREGATOR_TRANSPORT": transport},
            source.directory,
        )
    ).wait_ready()
    broken, intact = range(PARTITIONS - INTACT), range(PARTITIONS - INTACT, PARTITIONS)
    wait_until(lambda: set(broken) <= stopped(worker).keys(), "the broken partitions stand")
    for number in intact:
        send_batch(kafka, source.kafka.events_topic, number, (3 + sent) * BATCH, None)
    ends |= dict.fromkeys(intact, (4 + sent) * BATCH)
    # The records before the one that does not parse are counted as well.
    ends[len(DAMAGES) - 1] += BATCH - 1
    wait_until(lambda: next_offsets(system) == ends, "the others are counted")
    errors = stopped(worker)
    for number, (reason, _, _) in enumerate(DAMAGES):
        assert reason in errors[number]
    for number, _ in enumerate(BOMBS, len(DAMAGES)):
        assert "decompresses to more than 64 MiB" in errors[number]
    assert "its broker answers CorruptRecordException" in errors[REFUSED]
    sample = f'{STOPPED}{{partition="{REFUSED}",topic="{source.kafka.events_topic}"}}'
    assert worker.metric(sample) == 1
    assert worker.log.read_text().count("Unexpected error while fetching data") <= 2
    assert worker.is_ready()
    assert worker.stop() == 0


async def test_read_of_partition_that_its_broker_refuses_fails(
    damaged: tuple[LocalKafka, System],
) -> None:
    _, system = damaged
    topic = EventTopic(system.kafka)
    try:
        offsets: list[int] = []
        with pytest.raises(FetchRefused, match="CorruptRecordException"):
            await read(topic, REFUSED, 0, 3 * BATCH, offsets)
        assert offsets == list(range(BATCH))
        with pytest.raises(FetchRefused, match="CorruptRecordException"):
            await topic.position_after(REFUSED, BATCH, 3 * BATCH)
        assert await topic.position_after(REFUSED, 0, 3 * BATCH) == 0
    finally:
        await topic.close()


@pytest.mark.parametrize("partition", range(REFUSED))
async def test_read_stops_exactly_at_unreadable_batch(
    damaged: tuple[LocalKafka, System], partition: int
) -> None:
    _, system = damaged
    topic = EventTopic(system.kafka)
    # The records before the one that does not parse are read as well.
    first = BATCH + (BATCH - 1 if partition == len(DAMAGES) - 1 else 0)
    after = BATCH + (BATCH if partition < len(DAMAGES) else 1)
    try:
        _, end = (await topic.offset_ranges([partition]))[partition]
        offsets: list[int] = []
        with pytest.raises(UnreadableBatch) as raised:
            await read(topic, partition, 0, end, offsets)
        assert offsets == list(range(first))
        assert raised.value.offset == first
        assert raised.value.next_offset == (None if partition == UNKNOWN_VERSION else after)
        assert await topic.position_after(partition, first, end) == first
        await read(topic, partition, after, end, offsets)
        assert offsets == [*range(first), *range(after, end)]
    finally:
        await topic.close()
