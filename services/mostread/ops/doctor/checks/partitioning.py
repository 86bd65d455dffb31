"""Check that producers choose the partition of an article as the collector does."""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

from kafka.partitioner.default import murmur2

from mostread.core.records import decode
from mostread.errors import UnreadableBatch
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import TopicReader
from mostread.ops.doctor.findings import Finding, ok, warning
from mostread.ops.inspection.clients import SystemClients

SAMPLE_RECORDS = 500
"""Records read from the end of each partition."""


def partitioning(clients: SystemClients) -> Iterator[Finding]:
    """Check that the newest events of each partition belong there."""
    settings = clients.settings(KafkaSettings)
    with clients.kafka() as client:
        topic = topics.describe(client, settings.events_topic)
    events = misplaced = 0
    example = ""
    with closing(TopicReader(settings, topic.name)) as reader:
        for number in range(topic.partitions):
            for offset, article_id in _newest(reader, number):
                events += 1
                right = (murmur2(article_id.encode()) & 0x7FFFFFFF) % topic.partitions
                if right != number:
                    misplaced += 1
                    example = (
                        f"offset {offset} of {topic.name}/{number} holds {article_id!r}, which "
                        f"belongs to partition {right}"
                    )
    if misplaced:
        yield warning(
            f"{misplaced:,} of the newest {events:,} events are not in the partition of their "
            f"article: {example}",
            "A copy of such an event that another producer sends counts twice. Let the producer "
            "use article_id as the key and murmur2 as the partitioner, for librdkafka "
            "partitioner=murmur2_random. After an increase of partitions older events are in other "
            "partitions, which needs no action.",
        )
    else:
        yield ok(f"the newest {events:,} events are in the partitions of their articles")


def _newest(reader: TopicReader, partition: int) -> Iterator[tuple[int, str]]:
    """Yield offset and article id of the newest events, up to a batch that is unreadable."""
    begin, end = reader.offset_range(partition)
    start = max(begin, end - SAMPLE_RECORDS)
    try:
        for records in reader.read(partition, start, end) if start < end else ():
            decoded = decode(records)
            bounds = pairwise([0, *decoded.ends])
            for record, (first, last) in zip(records, bounds, strict=True):
                for event in decoded.events[first:last]:
                    yield record.offset, event.article_id
    except UnreadableBatch:
        return  # the check of progress reports it
