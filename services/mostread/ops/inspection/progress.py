"""How far each partition is counted, against how far its log reaches."""

from dataclasses import dataclass

from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import OffsetRange, offset_ranges
from mostread.infra.kafka.topics import Topic
from mostread.ops.inspection.clients import Way


@dataclass(frozen=True)
class Position:
    """What ClickHouse says of a partition: all below `next_offset` is counted, and everything
    received up to `as_of` (ms). `outcomes` are counted, duplicate, late and dead-lettered.
    """

    next_offset: int
    as_of: int
    received: int
    outcomes: tuple[int, int, int, int]


@dataclass(frozen=True)
class Partition:
    """A partition of the log, and where its counting stands; None where it never began."""

    number: int
    extent: OffsetRange
    position: Position | None

    @property
    def next_offset(self) -> int:
        return self.position.next_offset if self.position else 0

    @property
    def uncounted(self) -> int:
        """How many records are there to be counted."""
        return max(0, self.extent.end - max(self.next_offset, self.extent.first))

    @property
    def removed(self) -> int:
        """How many records retention has removed before they were counted."""
        return max(0, self.extent.first - self.next_offset)

    @property
    def beyond(self) -> int:
        """How many records are counted that the log does not have."""
        return max(0, self.next_offset - self.extent.end)


def counted(way: Way, topic: Topic) -> dict[int, Position]:
    """Return where the counting of each partition stands, as ClickHouse has it."""
    return {
        number: Position(next_offset, as_of, received, tuple(outcomes))
        for number, next_offset, as_of, received, *outcomes in way.query(
            "checkpoints", topic=str(topic.id)
        )
    }


def events_topic(way: Way) -> Topic:
    """Return the topic of events. Raises Misconfigured where there is none."""
    with way.kafka() as client:
        return topics.describe(client, way.settings(KafkaSettings).events_topic)


def partitions(way: Way) -> list[Partition]:
    """Return all partitions of the events topic. Raises NotReachedError and MostreadError."""
    topic = events_topic(way)
    # ClickHouse first: what is counted by then lies in the log that is asked for afterwards.
    positions = counted(way, topic)
    with way.kafka() as client:
        found = offset_ranges(client, topic)
    return [Partition(number, found[number], positions.get(number)) for number in sorted(found)]
