"""Read ranges of offsets of a topic, without a consumer group."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    CorruptRecordError,
    KafkaError,
    KafkaTimeoutError,
    OffsetOutOfRangeError,
)

from mostread.core.records import LogRecord
from mostread.core.skipped import SkippedRange, readable_ranges
from mostread.errors import KafkaUnavailable, UnreadableBatch
from mostread.infra.kafka import batches
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.decompression import UnreadableError
from mostread.infra.kafka.errors import check_access, translate_error
from mostread.infra.kafka.topics import Topic

TIMEOUT_SECONDS = 30
_POLL_TIMEOUT_MS = 500
_LOOKUP_TIMEOUT_MS = 10_000


class TopicReader:
    """Reads the partitions of one topic, one at a time. For one thread.

    Records of aborted transactions are not read. A partition ends at its first open transaction.
    All methods block. They raise KafkaUnavailable if no broker responds, and Misconfigured if the
    brokers refuse the connection.
    """

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._topic = topic
        self._settings = settings
        check_access(settings)
        batches.install()
        self._consumer = self._connect()

    def _connect(self) -> KafkaConsumer:
        with self._translated_errors():
            return KafkaConsumer(
                **client_options(self._settings),
                bootstrap_timeout_ms=10_000,
                enable_auto_commit=False,
                isolation_level="read_committed",
                # Records that retention has removed must not be skipped silently.
                auto_offset_reset="none",
                max_poll_records=5_000,
                max_partition_fetch_bytes=4 << 20,
            )

    def close(self) -> None:
        self._consumer.close()

    def offset_range(self, partition: int) -> tuple[int, int]:
        """Return the first available offset and the one after the last."""
        source = TopicPartition(self._topic, partition)
        with self._translated_errors():
            return (
                self._consumer.beginning_offsets([source])[source],
                self._consumer.end_offsets([source])[source],
            )

    def offset_for_time(self, partition: int, time: int) -> int | None:
        """Return the first offset with a record time from `time` (ms) on, or None.

        Where the broker cannot read the batch with that record, returns the first offset of all.
        """
        source = TopicPartition(self._topic, partition)
        with self._translated_errors():
            try:
                first = self._consumer.offsets_for_times({source: time}, _LOOKUP_TIMEOUT_MS)[source]
            except KafkaTimeoutError:
                # kafka-python repeats the lookup whatever the broker answers. If none answers,
                # this raises.
                return self.offset_range(partition)[0]
        return None if first is None else int(first.offset)

    def read(
        self, partition: int, start: int, until: int, skipped: Sequence[SkippedRange] = ()
    ) -> Iterator[Sequence[LogRecord]]:
        """Yield the records from offset `start` up to, but not including, `until`.

        Passes the ranges `skipped`, sorted by offset. Raises UnreadableBatch for others that
        cannot be read, after yielding every record before them, and KafkaUnavailable also if
        retention removes records before they are read.
        """
        for part in readable_ranges(start, until, skipped):
            yield from self._read_range(partition, part.start, part.stop)

    def _read_range(self, partition: int, start: int, until: int) -> Iterator[Sequence[LogRecord]]:
        source = TopicPartition(self._topic, partition)
        with self._translated_errors():
            self._consumer.assign([source])
            self._consumer.seek(source, start)
            position, moved_at = start, time.monotonic()
            while position < until:
                fetched = self._poll(source, position)
                before, position = position, self._consumer.position(source)
                if position > before:
                    moved_at = time.monotonic()
                elif time.monotonic() - moved_at > TIMEOUT_SECONDS:
                    raise KafkaUnavailable(
                        f"{self._topic}/{partition} cannot be read beyond offset {position}"
                    )
                records = [
                    LogRecord(r.offset, r.timestamp, r.value) for r in fetched if r.offset < until
                ]
                if records:
                    yield records

    def _poll(self, source: TopicPartition, position: int) -> Sequence[Any]:
        try:
            fetched = self._consumer.poll(timeout_ms=_POLL_TIMEOUT_MS)
        except (UnreadableError, CorruptRecordError) as error:
            # The consumer would stay at the batch, even after a seek.
            self._consumer.close()
            self._consumer = self._connect()
            next_offset = error.next_offset if isinstance(error, UnreadableError) else None
            raise UnreadableBatch(
                self._topic, source.partition, position, next_offset, str(error)
            ) from error
        records: Sequence[Any] = fetched.get(source, [])
        return records

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except OffsetOutOfRangeError as error:
            raise KafkaUnavailable(
                f"retention removed records of {self._topic} before they were read; run "
                "the command again"
            ) from error
        except (KafkaError, OSError) as error:
            brokers = self._settings.kafka_brokers
            raise translate_error(
                error, self._settings, f"Kafka at {brokers} responds with an error"
            ) from error


@dataclass(frozen=True)
class OffsetRange:
    """The first available offset of a partition, and the one after its last.

    `stable_end` is the first offset of an open transaction, or `end`: until the transaction ends,
    nothing from there on can be read.
    """

    first: int
    stable_end: int
    end: int

    def held_up(self, next_offset: int) -> int:
        """Return how many offsets an open transaction holds up, if it is next to be read."""
        return self.end - self.stable_end if max(next_offset, self.first) >= self.stable_end else 0


def offset_ranges(client: KafkaAdminClient, topic: Topic) -> dict[int, OffsetRange]:
    """Return the offsets of each partition. Raises KafkaError."""
    sources = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    # The ends last, so that they are not below checkpoints that were read before.
    first = client.list_partition_offsets(dict.fromkeys(sources, OffsetSpec.EARLIEST))
    latest = dict.fromkeys(sources, OffsetSpec.LATEST)
    stable = client.list_partition_offsets(latest, isolation_level="read_committed")
    end = client.list_partition_offsets(latest)
    return {
        source.partition: OffsetRange(
            int(first[source].offset), int(stable[source].offset), int(end[source].offset)
        )
        for source in sources
    }
