"""The events topic as it is just now, and writing to it as any other producer would."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import sleep

from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec

from mostread.infra.kafka import topics
from mostread.infra.kafka.topics import Topic
from tests.support.system import System


def topic_of(system: System) -> Topic:
    """Return the events topic of `system`."""
    with topics.admin(system.kafka) as admin:
        return topics.describe(admin, system.kafka.events_topic)


def ends(system: System) -> dict[int, int]:
    """Return the offset after the last record of each partition."""
    with topics.admin(system.kafka) as admin:
        topic = topics.describe(admin, system.kafka.events_topic)
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        offsets = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    return {partition.partition: each.offset for partition, each in offsets.items()}


def produce(system: System, values: Sequence[tuple[str | None, bytes | None]]) -> None:
    """Write records (key, value), and wait until Kafka has them."""
    producer = KafkaProducer(
        bootstrap_servers=system.kafka.bootstrap_servers, acks="all", max_request_size=8 << 20
    )
    sent = [
        producer.send(system.kafka.events_topic, key=key.encode() if key else None, value=value)
        for key, value in values
    ]
    for future in sent:
        future.get(30)
    producer.close()


def produce_to(system: System, partition: int, value: bytes, time: int | None = None) -> None:
    """Write a record to a partition; `time` (ms) needs a topic with `create_time`."""
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers)
    topic = system.kafka.events_topic
    producer.send(topic, value=value, partition=partition, timestamp_ms=time).get(30)
    producer.close()


@contextmanager
def transaction(
    system: System, partition: int, values: Sequence[bytes], *, commit: bool
) -> Iterator[None]:
    """Write records to a partition in a transaction, which ends with the context."""
    producer = KafkaProducer(
        bootstrap_servers=system.kafka.bootstrap_servers,
        transactional_id=f"{system.kafka.events_topic}-{partition}",
        transaction_timeout_ms=600_000,
    )
    producer.init_transactions()
    producer.begin_transaction()
    for value in values:
        producer.send(system.kafka.events_topic, value=value, partition=partition).get(30)
    yield
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()
    producer.close()


def delete_records(system: System, partition: int, before: int) -> None:
    """Remove records below an offset, as retention does."""
    with topics.admin(system.kafka) as admin:
        admin.delete_records({TopicPartition(system.kafka.events_topic, partition): before})


def create_time(system: System) -> None:
    """Let producers set any record time."""
    _alter(
        system,
        {
            "message.timestamp.type": "CreateTime",
            "message.timestamp.after.max.ms": str(2**63 - 1),
            "message.timestamp.before.max.ms": str(2**63 - 1),
        },
    )


@contextmanager
def any_time(system: System) -> Iterator[None]:
    """Let producers set any record time within the context."""
    create_time(system)
    sleep(1)  # each broker applies it by itself
    try:
        yield
    finally:
        _alter(system, {"message.timestamp.type": "LogAppendTime"})
        sleep(1)


def _alter(system: System, configs: dict[str, str]) -> None:
    topic = ConfigResource(ConfigResourceType.TOPIC, system.kafka.events_topic, configs)
    with topics.admin(system.kafka) as admin:
        admin.alter_configs([topic])
