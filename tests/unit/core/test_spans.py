"""Spans: the rows of a window count each of its minutes once, and no other."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from mostread.core.ranking.windows import EPOCH, HOUR, MINUTE, SLIDING, Span, Window, resolve, spans

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
    window = Window("any", DAY + start * MINUTE, DAY + (start + length) * MINUTE)
    parts = spans(window, DAY + now * MINUTE)
    counted: Counter[datetime] = Counter()
    for part in parts:
        assert part.start <= part.end
        for minute, times in minutes(part).items():
            counted[minute] += times
    expected = {window.start + n * MINUTE for n in range(length)}
    assert {minute for minute, times in counted.items() if times} == expected
    assert all(counted[minute] == 1 for minute in expected)


@given(st.integers(0, 3 * 24 * 60), st.integers(1, 27 * 60), st.integers(0, 4 * 24 * 60))
def test_spans_have_full_hours_and_short_edges(start: int, length: int, now: int) -> None:
    window = Window("any", DAY + start * MINUTE, DAY + (start + length) * MINUTE)
    body, head, tail = spans(window, DAY + now * MINUTE)
    assert (body.grain, head.grain, tail.grain) == ("hour", "minute", "minute")
    for edge in (body.start, body.end):
        assert edge.minute == 0
    if body.start < body.end:
        assert head.end - head.start < HOUR
        assert tail.end - tail.start < HOUR


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
    assert head.end - head.start == tail.end - tail.start == 15 * MINUTE


def test_window_under_an_hour_reads_minutes() -> None:
    body, head, tail = spans(Window("any", at(9, 10), at(9, 20)), at(14))
    assert body.start == body.end
    assert head == Span("minute", at(9, 10), at(9, 20))
    assert tail.start == tail.end


def test_lifetime_window_reads_total_row() -> None:
    body, head, tail = spans(resolve("all", at(14)), at(14))
    assert (body.grain, body.start) == ("total", EPOCH)
    assert head.start == head.end
    assert tail.start == tail.end


@given(st.integers(0, 7 * 24 * 3600))
def test_sliding_window_reads_at_most_half_an_hour_of_minutes(
    second: int,
) -> None:
    now = DAY + timedelta(seconds=second)
    for name in SLIDING:
        _, head, tail = spans(resolve(name, now), now)
        assert head.end - head.start <= HOUR / 2
        assert min(tail.end, now + MINUTE) - tail.start <= HOUR / 2
