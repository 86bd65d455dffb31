"""SketchCache of visitors: what they may get wrong is bounded, and nothing is taken in twice."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.control import Forget
from mostread.core.counting.forgets import LastForgets
from mostread.core.counting.visitor_sketch import (
    HEAVIEST,
    LOWEST,
    MAX_SAMPLED_VIEWS,
    Sketch,
    SketchCache,
    SketchKey,
    ViewSample,
    first_hour,
    hour_of,
    visitor_hash,
)
from mostread.core.records import decode

NOW = 1_795_461_787_364
HOUR = hour_of(NOW)


def sampled(
    views: list[tuple[str, str]], *, first: int = 0, timestamp: int = NOW, at_once: int = 100
) -> ViewSample:
    """Return the sample of records of one view each: (article, visitor)."""
    sample = ViewSample()
    records: list[Any] = [
        SimpleNamespace(
            offset=first + number,
            timestamp=timestamp,
            value=b'{"type":"view","article_id":"%b","visitor":"%b"}' % (a.encode(), v.encode()),
        )
        for number, (a, v) in enumerate(views)
    ]
    for start in range(0, len(records), at_once):
        part = records[start : start + at_once]
        sample.add(part, decode(part), [])
    return sample


@given(st.lists(st.integers(0, 400) | st.integers(0, 9), max_size=2000))
def test_heaviest_visitors_are_never_overestimated(views: list[int]) -> None:
    sketch, exact = Sketch(0), Counter(views)
    for visitor in views:
        sketch.add(visitor)
    assert sketch.views == exact.total()
    assert len(sketch.heaviest) <= 2 * HEAVIEST
    for visitor, times in exact.items():
        assert 0 <= times - sketch.heaviest.get(visitor, 0) <= sketch.views / (HEAVIEST + 1)
    assert sketch.lowest == sorted(exact)[:LOWEST]


@pytest.mark.parametrize(
    "count", [10, MAX_SAMPLED_VIEWS, MAX_SAMPLED_VIEWS + 1, 7 * MAX_SAMPLED_VIEWS]
)
def test_sample_spans_long_batch_evenly(count: int) -> None:
    sample = sampled([("a", f"v{number}") for number in range(count)])
    offsets = [view.offset for view in sample.views]
    gaps = np.diff([0, *offsets, count])
    assert gaps.max() <= 2 * sample.step
    assert count / sample.step == pytest.approx(len(offsets), rel=0.01)
    assert len(offsets) <= MAX_SAMPLED_VIEWS
    assert sample.step == 1 or len(offsets) >= MAX_SAMPLED_VIEWS // 2


@pytest.mark.parametrize("at_once", [1, 700, 5_000])
def test_sample_is_the_same_however_records_arrive(at_once: int) -> None:
    views = [("a", f"v{number}") for number in range(5_000)]
    assert sampled(views, at_once=at_once).views == sampled(views).views


def test_sample_holds_only_views_with_visitor_without_duplicates() -> None:
    lines = [
        b'{"type":"view","article_id":"a","visitor":"one"}',
        b'{"type":"like","article_id":"a","visitor":"one"}',
        b'{"type":"view","article_id":"a"}',
        b'{"type":"view","article_id":"a","visitor":"two","timestamp":5}',
        b'{"type":"view","article_id":"a","visitor":"three"}',
    ]
    records: list[Any] = [
        SimpleNamespace(offset=8, timestamp=NOW, value=b"\n".join(lines[:3])),
        SimpleNamespace(offset=9, timestamp=NOW + 1, value=b"\n".join(lines[3:])),
    ]
    sample = ViewSample()
    sample.add(records, decode(records), np.array([4]).tolist())
    assert [(v.offset, v.visitor, v.record_time) for v in sample.views] == [
        (8, "one", NOW),
        (9, "two", NOW + 1),
    ]


def test_views_read_again_are_added_once() -> None:
    views = [("a", f"v{number % 3}") for number in range(30)]
    once, again = SketchCache(100), SketchCache(100)
    once.apply(sampled(views), last=29, now=NOW)
    written = again.apply(sampled(views[:20]), last=19, now=NOW)
    restarted = SketchCache(100)
    restarted.load(written)
    # Crash after writing the sketches and before writing the checkpoint.
    [(key, sketch)] = restarted.apply(sampled(views), last=29, now=NOW)
    [(_, expected)] = once.apply(sampled([]), last=30, now=NOW) or [(key, once._sketches[key])]
    assert (sketch.views, sketch.heaviest, sketch.lowest, sketch.version) == (
        expected.views,
        expected.heaviest,
        expected.lowest,
        29,
    )


def test_the_most_read_of_the_last_two_hours_are_sketches() -> None:
    sketches = SketchCache(3)
    sketches.apply(
        sampled([("a", "v"), *[("b", "v")] * 2, *[("c", "v")] * 3, *[("d", "v")] * 4]), 9, NOW
    )
    assert {key.article_id for key in sketches._sketches} == {"b", "c", "d"}
    two_hours = 2 * 3_600_000
    old = sampled([("late", "v")], first=10, timestamp=NOW)
    assert sketches.apply(old, 10, NOW + two_hours) == []
    assert len(sketches) == 0


def test_record_from_the_future_ends_no_later_sketch() -> None:
    sketches = SketchCache(3)
    sketches.apply(sampled([("ahead", "v")]), 0, NOW + 800 * 86_400_000)
    written = sketches.apply(sampled([("a", "v")], first=1), 1, NOW)
    assert [key for key, _ in written] == [SketchKey("default", "a", HOUR)]


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), st.text("xyz", max_size=3)))))
def test_cache_never_exceeds_capacity(
    batches: list[list[tuple[str, str]]],
) -> None:
    sketches = SketchCache(4)
    for number, views in enumerate(batches):
        written = sketches.apply(sampled(views, first=1000 * number), 1000 * number + 999, NOW)
        assert len(sketches) <= 4
        assert {key for key, _ in written} <= {SketchKey("default", a, HOUR) for a, _ in views}


def test_visitor_hash_differs_between_articles() -> None:
    assert visitor_hash("s", "a", "v") != visitor_hash("s", "b", "v")
    assert 0 <= visitor_hash("s", "a", "v") < 2**64


def test_reader_sampled_from_long_batch_counts_once() -> None:
    views = [(f"other-{number % 500}", "v") for number in range(60_000)]
    views[::500] = [("honest", f"reader-{number}") for number in range(120)]
    [busiest] = [
        max(sketch.heaviest.values())
        for key, sketch in SketchCache(10_000).apply(sampled(views), 59_999, NOW)
        if key.article_id == "honest"
    ] or [1]
    assert busiest == 1


def test_evicted_sketch_is_continued_by_another() -> None:
    sketches = SketchCache(1)
    [(_, first)] = sketches.apply(sampled([("a", "v")] * 3), 2, NOW)
    sketches.apply(sampled([("b", "v")] * 5, first=3), 7, NOW)
    [(key, second)] = sketches.apply(sampled([("a", "v")] * 9, first=8), 16, NOW)
    assert (first.since, first.version, first.views) == (0, 2, 3)
    assert (key.article_id, second.since, second.version, second.views) == ("a", 8, 16, 9)


def test_sketch_drops_lightest_visitors_beyond_its_size() -> None:
    sketch = Sketch(0)
    for visitor in range(2 * HEAVIEST + 1):
        sketch.add(visitor)
        sketch.add(0)
    assert len(sketch.heaviest) <= HEAVIEST
    assert max(sketch.heaviest, key=lambda visitor: sketch.heaviest[visitor]) == 0
    assert sketch.views == 2 * (2 * HEAVIEST + 1)


def test_cache_keeps_articles_with_most_views_at_capacity() -> None:
    cache = SketchCache(1)
    views = [("few", "v1"), ("many", "v1"), ("many", "v2"), ("many", "v3")]
    written = cache.apply(sampled(views), 3, NOW)
    assert [key.article_id for key, _ in written] == ["many"]
    assert len(cache) == 1


def test_first_hour_to_load_covers_applied_hours() -> None:
    assert first_hour(0) == 0
    old = NOW - (HOUR - first_hour(NOW)) * 1000
    cache = SketchCache(10)
    assert cache.apply(sampled([("a", "v")], timestamp=old), 0, NOW) != []
    too_old = SketchCache(10)
    assert too_old.apply(sampled([("a", "v")], timestamp=old - 3_600_000), 0, NOW) == []


def test_forget_ends_sketches_and_drops_views_before_it() -> None:
    cache = SketchCache(10)
    cache.apply(sampled([("a", "v"), ("b", "v")]), 1, NOW)
    forgets = LastForgets([Forget(3, NOW, "default", "a")])
    views = sampled([("a", "v"), ("b", "v"), ("a", "w"), ("a", "x")], first=2)
    written = {key.article_id: each for key, each in cache.apply(views, 5, NOW, forgets)}
    assert (written["a"].since, written["a"].views) == (4, 2)
    assert set(written["a"].heaviest) == {visitor_hash("default", "a", name) for name in "wx"}
    assert (written["b"].since, written["b"].views) == (1, 2)
    cache.apply(sampled([]), 7, NOW, LastForgets([Forget(7, NOW, "default", "")]))
    assert len(cache) == 0


def test_sketch_written_before_a_crash_survives_the_forget_before_it() -> None:
    forgets = LastForgets([Forget(1, NOW, "default", "a")])
    views = sampled([("a", "v"), ("none", "v"), ("a", "w")])
    written = SketchCache(10).apply(views, 2, NOW, forgets)
    restarted = SketchCache(10)
    restarted.load(written)
    again = restarted.apply(views, 2, NOW, forgets)
    assert [key.article_id for key, _ in again] == []
    assert {sketch.views for sketch in restarted._sketches.values()} == {1}
