"""Which partition an article's events go to: as Kafka's own producers choose by key."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from kafka.partitioner.default import murmur2
from msgspec.json import Encoder

from mostread.collector.pipeline.event import SentEvent

_ENCODER = Encoder()


# murmur2 is pure Python here, about 5 µs for an id; readers are on few articles at a time.
@lru_cache(maxsize=100_000)
def article_hash(article_id: str) -> int:
    """Return murmur2 of the id in UTF-8 without its sign; modulo the partitions it is the place."""
    return int(murmur2(article_id.encode())) & 0x7FFFFFFF


def lines_by_partition(events: Iterable[SentEvent], partitions: int) -> dict[int, bytes]:
    """Return the events as NDJSON, every line ended, by the partition each belongs to."""
    groups: defaultdict[int, list[SentEvent]] = defaultdict(list)
    for event in events:
        groups[article_hash(event.article_id) % partitions].append(event)
    return {place: _ENCODER.encode_lines(group) for place, group in groups.items()}
