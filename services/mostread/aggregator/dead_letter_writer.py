"""Write dead letters: invalid lines, for inspection, correction and replay."""

from collections.abc import Sequence

from kafka import KafkaProducer
from kafka.errors import (
    InvalidRecordError,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from kafka.producer.future import FutureRecordMetadata

from mostread.aggregator.metrics import AggregatorMetrics
from mostread.core.dead_letters import DeadLetter, encode, from_line, without_line
from mostread.core.records import DeadLine
from mostread.infra.kafka import topics
from mostread.infra.kafka.admin import WRITE, check_topic_access
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.errors import translate_error
from mostread.infra.logging import get_logger

log = get_logger(__name__)

TIMEOUT_SECONDS = 30
LETTERS_PER_WRITE = 2_000

_REFUSALS = (
    InvalidRecordError,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
"""Errors of a record that pass as little the next time; all others end with an outage."""


class DeadLetterWriter:
    """Blocking writer of the dead letters topic, for one thread at a time.

    A record's key is the position of the line, `topic/partition/offset/line`; a line written again
    after a crash has the same key. Its value is a DeadLetter as JSON.
    """

    def __init__(self, settings: KafkaSettings, metrics: AggregatorMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._producer: KafkaProducer | None = None

    def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=1)

    def write(self, topic: str, lines: Sequence[tuple[int, DeadLine]]) -> None:
        """Write (partition, line) pairs; return when Kafka has acknowledged all of them.

        A letter that the topic does not accept is written without its line or, if it does not
        accept that either, logged and counted. Raises KafkaUnavailable and Misconfigured after
        writing none, some or all of them; write all again.
        """
        try:
            producer = self._connect()
            for start in range(0, len(lines), LETTERS_PER_WRITE):
                self._write(producer, topic, lines[start : start + LETTERS_PER_WRITE])
        except (KafkaError, OSError) as error:
            self.close()
            raise translate_error(error, self._settings, "cannot write dead letters") from error

    def _write(
        self, producer: KafkaProducer, topic: str, lines: Sequence[tuple[int, DeadLine]]
    ) -> None:
        letters = [from_line(topic, partition, line) for partition, line in lines]
        sent = [self._send(producer, letter) for letter in letters]
        accepted = [_is_accepted(future) for future in sent]
        for letter, (_, line), is_accepted in zip(letters, lines, accepted, strict=True):
            if not is_accepted:
                self._write_alone(producer, letter, line.raw)

    def _connect(self) -> KafkaProducer:
        if self._producer is None:
            with topics.admin(self._settings) as client:
                # The producer would wait for the topic, and then report a timeout.
                (topic,) = client.describe_topics([self._settings.dead_letters_topic])
                check_topic_access(client, topic, WRITE)
            self._producer = KafkaProducer(
                **client_options(self._settings),
                acks="all",
                # Once a record is refused, kafka-python's idempotent producer refuses all others.
                enable_idempotence=False,
                max_block_ms=TIMEOUT_SECONDS * 1000,
                delivery_timeout_ms=TIMEOUT_SECONDS * 1000,
                request_timeout_ms=TIMEOUT_SECONDS * 1000 // 2,
                allow_auto_create_topics=False,
            )
        return self._producer

    def _send(self, producer: KafkaProducer, letter: DeadLetter) -> FutureRecordMetadata:
        return producer.send(
            self._settings.dead_letters_topic, key=letter.position.encode(), value=encode(letter)
        )

    def _write_alone(self, producer: KafkaProducer, letter: DeadLetter, raw: bytes) -> None:
        """Write a letter that was refused, perhaps because of another one in its batch."""
        if _is_accepted(self._send(producer, letter)):
            return
        rest = without_line(letter, raw)
        details = {"line": letter.position, "length": rest.length, "sha256": rest.sha256}
        if _is_accepted(self._send(producer, rest)):
            log.warning("dead_letter_without_line", **details)
        else:
            log.error("dead_letter_lost", reason=letter.reason, **details)
            self._metrics.dead_letters_lost.inc()


def _is_accepted(future: FutureRecordMetadata) -> bool:
    """Wait for the acknowledgement of a record; return False for a refusal of it."""
    try:
        future.get(timeout=TIMEOUT_SECONDS)
    except _REFUSALS:
        return False
    return True
