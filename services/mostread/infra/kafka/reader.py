"""A topic read from here to there, by a plain consumer without a group."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, OffsetOutOfRangeError

from mostread.core.records import LogRecord
from mostread.errors import KafkaUnavailable
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.errors import check_access, translate_error
from mostread.infra.kafka.topics import Topic

PATIENCE_MS = 30_000


class TopicReader:
    """Reads the partitions of one topic, one after the other. For one thread.

    All methods block, and raise KafkaUnavailable where no broker answers, Misconfigured where
    none lets us in.
    """

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._topic = topic
        self._settings = settings
        check_access(settings)
        with self._told():
            self._consumer = KafkaConsumer(
                **client_options(settings),
                bootstrap_timeout_ms=10_000,
                enable_auto_commit=False,
                # What is no longer there must not be passed over in silence.
                auto_offset_reset="none",
                max_poll_records=5_000,
                max_partition_fetch_bytes=4 << 20,
            )

    def close(self) -> None:
        self._consumer.close()

    def ends(self, partition: int) -> tuple[int, int]:
        """Return the first offset that is there and the one after the last."""
        place = TopicPartition(self._topic, partition)
        with self._told():
            return (
                self._consumer.beginning_offsets([place])[place],
                self._consumer.end_offsets([place])[place],
            )

    def first_since(self, partition: int, time: int) -> int | None:
        """Return the offset of the first record of `time` (ms) or later, None if there is none."""
        place = TopicPartition(self._topic, partition)
        with self._told():
            found = self._consumer.offsets_for_times({place: time})[place]
        return None if found is None else int(found.offset)

    def read(self, partition: int, start: int, until: int) -> Iterator[Sequence[LogRecord]]:
        """Yield the records from the offset `start` on, below `until`.

        Raises KafkaUnavailable too where retention removes records before they are read.
        """
        place = TopicPartition(self._topic, partition)
        with self._told():
            self._consumer.assign([place])
            self._consumer.seek(place, start)
            while self._consumer.position(place) < until:
                before = self._consumer.position(place)
                fetched = self._consumer.poll(timeout_ms=PATIENCE_MS).get(place, [])
                if not fetched and self._consumer.position(place) == before:
                    raise KafkaUnavailable(
                        f"{self._topic}/{partition} cannot be read beyond offset {before}"
                    )
                yield [
                    LogRecord(r.offset, r.timestamp, r.value) for r in fetched if r.offset < until
                ]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OffsetOutOfRangeError as error:
            raise KafkaUnavailable(
                f"records of {self._topic} were removed before they could be read; run it again"
            ) from error
        except (KafkaError, OSError) as error:
            brokers = self._settings.kafka_brokers
            raise translate_error(
                error, self._settings, f"Kafka at {brokers} does not answer well"
            ) from error


@dataclass(frozen=True)
class Extent:
    """The first offset that is still there, and the one after the last."""

    first: int
    end: int


def extents(client: KafkaAdminClient, topic: Topic) -> dict[int, Extent]:
    """Return the extent of each partition. Raises KafkaError."""
    places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    # The ends last: what is counted by then lies before them.
    first = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    end = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    return {
        place.partition: Extent(int(first[place].offset), int(end[place].offset))
        for place in places
    }
