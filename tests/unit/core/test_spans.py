"""Spans: the rows of a window count each of its minutes once, and no other."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mostread.core.ranking.windows import (
    EPOCH,
    HOUR,
    MINUTE,
    RANGE_LIMIT,
    SLIDING,
    WEEK,
    Span,
    Window,
    resolve,
    spans,
)

DAY = datetime(2026, 11, 23, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute)


def minutes(span: Span) -> Counter[datetime]:
    """Return how often a span counts each minute."""
    count = (span.end - span.start) // MINUTE
    return Counter({span.start + n * MINUTE: span.sign for n in range(count)})


@given(
    start=st.integers(0, 3 * 24 * 60),
    length=st.integers(1, 27 * 60),
    now=st.integers(0, 4 * 24 * 60),
)
@example(start=20, length=60, now=79)
@example(start=10, length=10, now=300)
@example(start=50, length=20, now=300)
def test_spans_count_each_minute_of_window_once(start: int, length: int, now: int) -> None:
    check_each_minute_is_counted_once(start, length, now)


@settings(max_examples=30)
@given(
    start=st.integers(0, 9 * 24 * 60),
    length=st.integers(6 * 24 * 60, 31 * 24 * 60),
    now=st.integers(0, 40 * 24 * 60),
)
@example(start=0, length=7 * 24 * 60, now=40 * 24 * 60)
@example(start=3 * 24 * 60, length=7 * 24 * 60, now=40 * 24 * 60)
@example(start=4 * 24 * 60 - 1, length=7 * 24 * 60 + 1, now=10 * 24 * 60)
def test_weeks_count_each_minute_of_window_once(start: int, length: int, now: int) -> None:
    check_each_minute_is_counted_once(start, length, now)


def check_each_minute_is_counted_once(start: int, length: int, now: int) -> None:
    window = Window("any", DAY + start * MINUTE, DAY + (start + length) * MINUTE)
    counted: Counter[datetime] = Counter()
    for part in spans(window, DAY + now * MINUTE):
        assert part.start < part.end
        for minute, times in minutes(part).items():
            counted[minute] += times
    expected = {window.start + n * MINUTE for n in range(length)}
    assert {minute for minute, times in counted.items() if times} == expected
    assert all(counted[minute] == 1 for minute in expected)


def length(span: Span) -> timedelta:
    return span.end - span.start


@given(st.integers(0, 3 * 24 * 60), st.integers(121, 27 * 60), st.integers(0, 4 * 24 * 60))
def test_spans_have_full_hours_and_short_edges(start: int, minutes: int, now: int) -> None:
    window = Window("any", DAY + start * MINUTE, DAY + (start + minutes) * MINUTE)
    body, *edges = spans(window, DAY + now * MINUTE)
    assert (body.grain, body.start.minute, body.end.minute) == ("hour", 0, 0)
    assert all(edge.grain == "minute" and length(edge) < HOUR for edge in edges)


@given(st.integers(0, 20 * 24), st.integers(14 * 24, 60 * 24), st.integers(0, 90 * 24))
def test_spans_of_weeks_start_on_mondays_and_have_short_edges(
    start: int, hours: int, now: int
) -> None:
    window = Window("any", DAY + start * HOUR, DAY + (start + hours) * HOUR)
    body, *edges = spans(window, DAY + now * HOUR)
    assert (body.grain, body.start.weekday(), body.end.weekday()) == ("week", 0, 0)
    assert all(edge.grain == "hour" and length(edge) < WEEK for edge in edges)


def test_past_edges_read_at_most_half_a_week_of_hours() -> None:
    now = at(14)
    for hours in range(0, 7 * 24, 5):
        start = DAY - timedelta(days=60, hours=hours)
        for edge in spans(Window("any", start, start + timedelta(days=30)), now)[1:]:
            assert length(edge) <= WEEK / 2


def test_oldest_edge_reads_no_rows_before_retention() -> None:
    for days in range(7):
        now = DAY + timedelta(days=days)
        oldest = now - RANGE_LIMIT
        assert min(span.start for span in spans(Window("any", oldest, now), now)) == oldest


def test_window_under_a_week_and_score_read_no_weeks() -> None:
    now = at(14, 3)
    grains = {
        span.grain
        for name, weeks in (("24h", True), ("30d", False))
        for span in spans(resolve(name, now), now, weeks=weeks)
    }
    assert grains == {"hour", "minute"}


def test_window_that_ends_now_reads_full_last_hour() -> None:
    now = at(14, 3)
    body, head, tail = spans(resolve("24h", now), now)
    assert (body.start, body.end) == (at(-10), at(15))
    assert head == Span("minute", at(-10), at(-10, 4), -1)
    # Future minutes have hardly any rows.
    assert tail == Span("minute", at(14, 4), at(15), -1)


def test_past_edge_reads_fewest_minutes() -> None:
    day = resolve("yesterday", at(14), ZoneInfo("Asia/Kathmandu"))
    body, head, tail = spans(day, at(14))
    assert (head.start, head.end, head.sign) == (body.start, day.start, -1)
    assert (tail.start, tail.end, tail.sign) == (body.end, day.end, 1)
    assert length(head) == length(tail) == 15 * MINUTE


def test_window_under_an_hour_reads_minutes() -> None:
    assert spans(Window("any", at(9, 10), at(9, 20)), at(14)) == [
        Span("minute", at(9, 10), at(9, 20))
    ]


def test_lifetime_window_reads_total_row() -> None:
    assert spans(resolve("all", at(14)), at(14)) == [Span("total", EPOCH, EPOCH + MINUTE)]


@given(st.integers(0, 7 * 24 * 3600))
def test_sliding_window_reads_at_most_half_an_hour_of_minutes(second: int) -> None:
    now = DAY + timedelta(seconds=second)
    for name in SLIDING:
        for span in spans(resolve(name, now), now):
            if span.grain == "minute":
                assert min(span.end, now + MINUTE) - span.start <= HOUR / 2
