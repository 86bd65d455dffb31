"""A collector process with its own topics, and the records in them."""

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
from kafka import KafkaConsumer, TopicPartition

from mostread.core.control import is_forget
from mostread.core.events import PUBLIC, Event
from mostread.infra.auth.tokens import hash_token
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from tests.support.system import Service

PARTITIONS = 4
TOKENS = {role: f"token-of-{role}" for role in ("emit", "cms", "editor", "admin")}


class Collecting:
    """A collector with its own topics; `url` is set once it is started."""

    def __init__(self, brokers: str, directory: Path) -> None:
        self.kafka = KafkaSettings(
            kafka_brokers=brokers, kafka_topic_prefix=f"collector_{uuid4().hex[:8]}."
        )
        self._directory = directory

    def init(self) -> None:
        wanted = topics.configurations(
            self.kafka, partitions=PARTITIONS, replication=1, retention_days=1
        )
        with topics.admin(self.kafka) as client:
            topics.create_missing(client, wanted)

    def start(self, web: Mapping[str, str] | None = None, **settings: str) -> None:
        """Start the collector.

        `settings` are MOSTREAD_COLLECTOR_..., `web` are MOSTREAD_HTTP_...: in lower case, without
        the prefix.
        """
        environment = {
            "MOSTREAD_KAFKA_BROKERS": self.kafka.kafka_brokers,
            "MOSTREAD_KAFKA_TOPIC_PREFIX": self.kafka.kafka_topic_prefix,
            "MOSTREAD_COLLECTOR_TOKENS": ",".join(
                f"{role}:{role}:{hash_token(token)}" for role, token in TOKENS.items()
            ),
            **{f"MOSTREAD_COLLECTOR_{name.upper()}": value for name, value in settings.items()},
            **{f"MOSTREAD_HTTP_{name.upper()}": value for name, value in (web or {}).items()},
        }
        self.service = Service("collector", environment, self._directory).start()
        self.url = self.service.url

    def records(self, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
        """Return all records of a topic as (partition, key, value), read by a plain consumer."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap_servers, enable_auto_commit=False
        )
        try:
            partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
            ends = consumer.end_offsets(partitions)
            rows = []
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for partition, records in consumer.poll(timeout_ms=500, max_records=5000).items():
                    rows += [(partition.partition, r.key, r.value) for r in records]
            return rows
        finally:
            consumer.close()

    def events(self) -> list[Event]:
        """Return the events in the log, partition by partition."""
        decoder = msgspec.json.Decoder(Event)
        return [
            event
            for _, _, value in self.records(self.kafka.events_topic)
            if not is_forget(value or b"")
            for event in decoder.decode_lines(value or b"")
        ]

    def metric(self, sample: str) -> float:
        """Return the value of a sample, named as /metrics writes it."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as response:
            lines = response.read().decode().splitlines()
        (value,) = [line.removeprefix(sample) for line in lines if line.startswith(f"{sample} ")]
        return float(value)

    def ids(self) -> list[str]:
        """Return the ids in the log as clients sent them, with or without a token."""
        return sorted(event.id.removeprefix(PUBLIC) for event in self.events())


@contextmanager
def collecting(
    brokers: str, directory: Path, web: Mapping[str, str] | None = None, **settings: str
) -> Iterator[Collecting]:
    """Run a collector until the end of the block."""
    collector = Collecting(brokers, directory)
    collector.init()
    collector.start(web, **settings)
    try:
        collector.service.wait_ready()
        yield collector
    finally:
        collector.service.stop()


def view(name: str, article: str = "a") -> Event:
    """Return a complete view, to which the collector adds nothing."""
    return Event(type="view", article_id=article, id=name, timestamp=1_795_461_787_364, visitor="v")
