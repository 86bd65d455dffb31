"""partition.py: to which partition an event goes, and how it is written."""

import json

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner

from mostread.collector.delivery.partitioner import lines_by_partition
from mostread.collector.pipeline.event import SentEvent


class TopicOf:
    """As much of a cluster as the partitioner asks."""

    def __init__(self, partitions: int) -> None:
        self._partitions = set(range(partitions))

    def topics(self) -> set[str]:
        return {"t"}

    def partitions_for_topic(self, _: str) -> set[int]:
        return self._partitions

    available_partitions_for_topic = partitions_for_topic


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1, 300))
def test_a_partition_is_what_kafkas_default_partitioner_chooses(key: str, partitions: int) -> None:
    chosen = DefaultPartitioner().partition(
        "t", None, key.encode(), None, None, TopicOf(partitions)
    )
    (place,) = lines_by_partition([SentEvent(type="view", article_id=key)], partitions)
    assert place == chosen


def test_lines_are_ndjson_in_the_order_sent() -> None:
    events = [SentEvent(type="view", article_id="a", id=str(n)) for n in range(3)]
    (lines,) = lines_by_partition(events, 8).values()
    assert lines.endswith(b"\n")
    assert [json.loads(line)["id"] for line in lines.splitlines()] == ["0", "1", "2"]
