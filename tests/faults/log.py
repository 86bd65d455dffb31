"""The events topic as it is just now, and writing to it as any other producer would."""

from collections.abc import Sequence

from kafka import KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec

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
