"""The embedded Apache Kafka keeps what it acknowledged."""

import itertools
import uuid
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from mostread.devstack.servers.kafka import LocalKafka
from tests.support.servers import free_ports


def send(kafka: LocalKafka, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(
        bootstrap_servers=kafka.brokers, acks="all", max_request_size=2_000_000
    )
    try:
        for sent in [producer.send(topic, value) for value in values]:
            sent.get(timeout=60)
    finally:
        producer.close()


def received(kafka: LocalKafka, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=kafka.brokers,
        auto_offset_reset="earliest",
        group_id=f"test-{uuid.uuid4()}",
        consumer_timeout_ms=60_000,
        max_partition_fetch_bytes=4_000_000,
    )
    try:
        return [record.value for record in itertools.islice(consumer, count)]
    finally:
        consumer.close()


def test_acknowledged_records_survive_kill_and_stop(kafka: LocalKafka) -> None:
    topic = f"test-{uuid.uuid4()}"
    admin = KafkaAdminClient(bootstrap_servers=kafka.brokers)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    admin.close()

    send(kafka, topic, [b"before the kill", b"x" * 1_500_000])
    kafka.kill()
    assert not kafka.is_ready()
    kafka.start()
    send(kafka, topic, [b"after the kill"])
    kafka.stop()
    kafka.start()

    assert received(kafka, topic, 3) == [b"before the kill", b"x" * 1_500_000, b"after the kill"]


def test_describing_a_missing_topic_does_not_create_it(kafka: LocalKafka) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.brokers)
    try:
        admin.describe_topics(["never-created"])
        assert "never-created" not in admin.list_topics()
    finally:
        admin.close()


def test_cluster_id_may_begin_with_a_hyphen(tmp_path: Path) -> None:
    (tmp_path / "cluster.id").write_text("-wAAAAAAAAAAAAAAAAAAAA")
    LocalKafka(tmp_path, *free_ports(2)).prepare(lambda _: None)
    assert (tmp_path / "formatted").exists()
