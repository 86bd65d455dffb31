"""What becomes of a valid event before it is sent: admission, stamp, partition."""

import json

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner
from msgspec import UNSET

from mostread.collector.admission import Admission, DropReason
from mostread.collector.event import SentEvent
from mostread.collector.partition import lines_by_partition
from mostread.collector.settings import CollectorSettings
from mostread.collector.stamp import stamp


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


def test_a_stamp_fills_in_only_what_is_missing() -> None:
    given_both = SentEvent(type="view", article_id="a", id="mine", timestamp=5)
    neither = [SentEvent(type="view", article_id="a") for _ in range(2)]
    stamp([given_both, *neither], 1000)
    assert (given_both.id, given_both.timestamp) == ("mine", 5)
    assert [event.timestamp for event in neither] == [1000, 1000]
    ids = {event.id for event in neither}
    assert len(ids) == 2
    assert all(isinstance(name, str) and len(name) == 32 for name in ids)


def test_only_the_sites_named_are_counted() -> None:
    events = [SentEvent(type="view", article_id="a", site=s) for s in ("news", "other", UNSET)]
    everything = Admission(CollectorSettings())
    assert everything.admit(events) == (events, {})
    some = Admission(CollectorSettings(collector_sites="news, default"))
    assert some.admit(events) == ([events[0], events[2]], {DropReason.UNKNOWN_SITE: 1})
