"""Sketches of visitors: what they may get wrong is bounded, and nothing is taken in twice."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.counting.visitor_sketch import (
    HEAVIEST,
    LOWEST,
    MOST_SEEN,
    Seen,
    Sketch,
    Sketches,
    SketchKey,
    hour_of,
    visitor_hash,
)
from mostread.core.records import decode

NOW = 1_795_461_787_364
HOUR = hour_of(NOW)


def seen(views: list[tuple[str, str]], *, first: int = 0, timestamp: int = NOW) -> Seen:
    """Return what is seen of records of one view each: (article, visitor)."""
    found = Seen()
    records: list[Any] = [
        SimpleNamespace(
            offset=first + number,
            timestamp=timestamp,
            value=b'{"type":"view","article_id":"%b","visitor":"%b"}' % (a.encode(), v.encode()),
        )
        for number, (a, v) in enumerate(views)
    ]
    for start in range(0, len(records), 100):
        part = records[start : start + 100]
        found.add(part, decode(part), [])
    return found


@given(st.lists(st.integers(0, 400) | st.integers(0, 9), max_size=2000))
def test_the_heaviest_are_never_too_high_and_hardly_too_low(views: list[int]) -> None:
    sketch, exact = Sketch(0), Counter(views)
    for visitor in views:
        sketch.add(visitor)
    assert sketch.views == exact.total()
    assert len(sketch.heaviest) <= 2 * HEAVIEST
    for visitor, times in exact.items():
        assert 0 <= times - sketch.heaviest.get(visitor, 0) <= sketch.views / (HEAVIEST + 1)
    assert sketch.lowest == sorted(exact)[:LOWEST]


@pytest.mark.parametrize("count", [10, MOST_SEEN, MOST_SEEN + 1, 7 * MOST_SEEN])
def test_a_long_stretch_is_looked_at_evenly_from_its_beginning_to_its_end(count: int) -> None:
    found = seen([("a", f"v{number}") for number in range(count)])
    offsets = [view.offset for view in found.views]
    gaps = np.diff([0, *offsets, count])
    assert gaps.max() <= 2 * found.step
    assert count / found.step == pytest.approx(len(offsets), rel=0.01)
    assert len(offsets) <= MOST_SEEN
    assert found.step == 1 or len(offsets) >= MOST_SEEN // 2


def test_only_views_with_a_visitor_that_are_no_duplicates_are_looked_at() -> None:
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
    found = Seen()
    found.add(records, decode(records), np.array([4]).tolist())
    assert [(v.offset, v.visitor, v.came) for v in found.views] == [
        (8, "one", NOW),
        (9, "two", NOW + 1),
    ]


def test_what_is_read_again_is_not_taken_in_twice() -> None:
    views = [("a", f"v{number % 3}") for number in range(30)]
    once, again = Sketches(100), Sketches(100)
    once.apply(seen(views), last=29, now=NOW)
    written = again.apply(seen(views[:20]), last=19, now=NOW)
    restarted = Sketches(100)
    restarted.load(written)
    # It crashed after its sketches were written and before its progress was.
    [(key, sketch)] = restarted.apply(seen(views), last=29, now=NOW)
    [(_, expected)] = once.apply(seen([]), last=30, now=NOW) or [(key, once._kept[key])]
    assert (sketch.views, sketch.heaviest, sketch.lowest, sketch.version) == (
        expected.views,
        expected.heaviest,
        expected.lowest,
        29,
    )


def test_the_most_read_of_the_last_two_hours_are_kept() -> None:
    sketches = Sketches(3)
    sketches.apply(
        seen([("a", "v"), *[("b", "v")] * 2, *[("c", "v")] * 3, *[("d", "v")] * 4]), 9, NOW
    )
    assert {key.article_id for key in sketches._kept} == {"b", "c", "d"}
    two_hours = 2 * 3_600_000
    old = seen([("late", "v")], first=10, timestamp=NOW)
    assert sketches.apply(old, 10, NOW + two_hours) == []
    assert len(sketches) == 0


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), st.text("xyz", max_size=3)))))
def test_nothing_that_comes_makes_them_more_than_there_may_be(
    stretches: list[list[tuple[str, str]]],
) -> None:
    sketches = Sketches(4)
    for number, views in enumerate(stretches):
        written = sketches.apply(seen(views, first=1000 * number), 1000 * number + 999, NOW)
        assert len(sketches) <= 4
        assert {key for key, _ in written} <= {SketchKey("default", a, HOUR) for a, _ in views}


def test_a_visitor_is_another_one_for_each_article() -> None:
    assert visitor_hash("s", "a", "v") != visitor_hash("s", "b", "v")
    assert 0 <= visitor_hash("s", "a", "v") < 2**64


def test_a_reader_of_a_long_stretch_does_not_seem_to_be_many() -> None:
    views = [(f"other-{number % 500}", "v") for number in range(60_000)]
    views[::500] = [("honest", f"reader-{number}") for number in range(120)]
    [busiest] = [
        max(sketch.heaviest.values())
        for key, sketch in Sketches(10_000).apply(seen(views), 59_999, NOW)
        if key.article_id == "honest"
    ] or [1]
    assert busiest == 1


def test_what_left_memory_is_continued_by_another_sketch() -> None:
    sketches = Sketches(1)
    [(_, first)] = sketches.apply(seen([("a", "v")] * 3), 2, NOW)
    sketches.apply(seen([("b", "v")] * 5, first=3), 7, NOW)
    [(key, second)] = sketches.apply(seen([("a", "v")] * 9, first=8), 16, NOW)
    assert (first.since, first.version, first.views) == (0, 2, 3)
    assert (key.article_id, second.since, second.version, second.views) == ("a", 8, 16, 9)
