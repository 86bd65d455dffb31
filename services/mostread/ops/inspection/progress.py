"""Progress of aggregation: checkpoints and committed offsets against the ends of the topics."""

from dataclasses import dataclass

from mostread.aggregator.config import AggregatorSettings
from mostread.infra.kafka import topics
from mostread.infra.kafka.admin import committed_offsets
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import OffsetRange, offset_ranges
from mostread.infra.kafka.topics import Topic
from mostread.ops.inspection.clients import SystemClients


@dataclass(frozen=True)
class StoredCheckpoint:
    """The checkpoint of a partition: records below `next_offset` are counted.

    `record_time` and `watermark` are in milliseconds; `outcomes` are events counted, duplicate,
    late, dead-lettered.
    """

    next_offset: int
    record_time: int
    watermark: int
    received: int
    outcomes: tuple[int, int, int, int]


@dataclass(frozen=True)
class PartitionProgress:
    """A partition of the log with its checkpoint, or None before its first flush."""

    number: int
    offsets: OffsetRange
    checkpoint: StoredCheckpoint | None

    @property
    def next_offset(self) -> int:
        return self.checkpoint.next_offset if self.checkpoint else 0

    @property
    def lag(self) -> int:
        """Records that are in the log and not counted yet."""
        return max(0, self.offsets.end - max(self.next_offset, self.offsets.first))

    @property
    def held_up(self) -> int:
        """Offsets behind the first open transaction, if everything before it is counted."""
        return self.offsets.held_up(self.next_offset)

    @property
    def expired(self) -> int:
        """Records that retention removed before they were counted."""
        return max(0, self.offsets.first - self.next_offset)

    @property
    def missing(self) -> int:
        """Records that are counted but beyond the end of the log."""
        return max(0, self.next_offset - self.offsets.end)


def checkpoints(clients: SystemClients, topic: Topic) -> dict[int, StoredCheckpoint]:
    """Return the checkpoint of each partition of `topic` that has one."""
    return {
        number: StoredCheckpoint(next_offset, record_time, watermark, received, tuple(outcomes))
        for number, next_offset, record_time, watermark, received, *outcomes in clients.query(
            "checkpoints", topic=str(topic.id)
        )
    }


def events_topic(clients: SystemClients) -> Topic:
    """Return the events topic. Raises Misconfigured where it does not exist."""
    with clients.kafka() as client:
        return topics.describe(client, clients.settings(KafkaSettings).events_topic)


def partition_progress(clients: SystemClients) -> list[PartitionProgress]:
    """Return the progress of all partitions. Raises DependencyUnavailable and MostreadError."""
    topic = events_topic(clients)
    # Checkpoints first: records counted by then are in the log when its end is read.
    by_partition = checkpoints(clients, topic)
    with clients.kafka() as client:
        by_number = offset_ranges(client, topic)
    return [
        PartitionProgress(number, offsets, by_partition.get(number))
        for number, offsets in sorted(by_number.items())
    ]


def articles_lag(clients: SystemClients) -> int:
    """Return the number of records of the articles topic that no aggregator has stored yet."""
    settings = clients.settings(AggregatorSettings)
    with clients.kafka() as client:
        topic = topics.describe(client, settings.articles_topic)
        committed = committed_offsets(client, settings.articles_group, topic.name)
        by_number = offset_ranges(client, topic)
    return sum(
        max(0, offsets.end - max(offsets.first, committed.get(number, 0)))
        for number, offsets in by_number.items()
    )
