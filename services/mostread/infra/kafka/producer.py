"""A producer for operator jobs, which wait for each acknowledgement."""

from collections.abc import Sequence
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.errors import check_access, translate_error
from mostread.infra.kafka.topics import EVENT_BYTES

_TIMEOUT_SECONDS = 30


class OutgoingRecord(NamedTuple):
    """A record to send; without a partition, its key decides."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int | None = None


class JobProducer:
    """Sends records. For one thread; blocks, and raises KafkaUnavailable and Misconfigured."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        check_access(settings)
        try:
            self._producer = KafkaProducer(
                **client_options(settings),
                bootstrap_timeout_ms=10_000,
                acks="all",
                enable_idempotence=True,
                max_block_ms=_TIMEOUT_SECONDS * 1000,
                delivery_timeout_ms=_TIMEOUT_SECONDS * 1000,
                request_timeout_ms=_TIMEOUT_SECONDS * 1000 // 2,
                max_request_size=EVENT_BYTES,
                allow_auto_create_topics=False,
            )
        except (KafkaError, OSError) as error:
            raise translate_error(error, settings) from error

    def close(self) -> None:
        self._producer.close(timeout=1)

    def send(self, records: Sequence[OutgoingRecord]) -> list[int]:
        """Return the offset of each record once Kafka has acknowledged all of them.

        After an error it is unknown which of them are written; it is safe to send all again where
        repetitions are harmless.
        """
        try:
            futures = [
                self._producer.send(
                    each.topic, value=each.value, key=each.key, partition=each.partition
                )
                for each in records
            ]
            return [future.get(timeout=_TIMEOUT_SECONDS).offset for future in futures]
        except (KafkaError, OSError) as error:
            raise translate_error(error, self._settings, "Kafka does not accept records") from error
