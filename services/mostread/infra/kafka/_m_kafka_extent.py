"""From where to where the log reaches, all partitions of a topic at once."""

from dataclasses import dataclass

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec

from mostread.infra.kafka.topics import Topic


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
