"""Events on their way back into the log."""

from collections.abc import Callable, Sequence

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from mostread.ops.dead_letters.topic import Mark
from mostread.core.events import Event, encode
from mostread.infra.kafka._m_kafka_connection import connection
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.topics import EVENT_BYTES
from mostread.infra.kafka.errors import require_way_in, trouble

SECONDS = 30


class Sender:
    """Writes to the events topic and marks what was replayed. For one thread; blocks.

    All methods return when Kafka has it, and raise KafkaUnavailable where it may not have it:
    doing it all again is right then.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        require_way_in(settings)
        try:
            self._producer = KafkaProducer(
                **connection(settings),
                bootstrap_timeout_ms=10_000,
                acks="all",
                enable_idempotence=True,
                max_block_ms=SECONDS * 1000,
                delivery_timeout_ms=SECONDS * 1000,
                request_timeout_ms=SECONDS * 1000 // 2,
                max_request_size=EVENT_BYTES,
                allow_auto_create_topics=False,
            )
        except (KafkaError, OSError) as error:
            raise trouble(error, settings) from error

    def close(self) -> None:
        self._producer.close(timeout=1)

    def send(self, events: Sequence[Event]) -> None:
        """Send events, each to the partition of its article."""
        self._acknowledged(
            lambda: [
                self._producer.send(
                    self._settings.events_topic, key=each.article_id.encode(), value=encode(each)
                )
                for each in events
            ]
        )

    def mark(self, partition: int, until: int) -> None:
        """Remember that the letters of `partition` below the offset `until` were replayed."""
        value = msgspec.json.encode(Mark(until))
        topic = self._settings.dead_letters_topic
        self._acknowledged(lambda: [self._producer.send(topic, value=value, partition=partition)])

    def _acknowledged(self, send: Callable[[], Sequence[object]]) -> None:
        try:
            for future in send():
                future.get(timeout=SECONDS)  # type: ignore[attr-defined]
        except (KafkaError, OSError) as error:
            raise trouble(error, self._settings, "Kafka does not take events") from error
