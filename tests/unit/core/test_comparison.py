"""Comparison: the earlier window of every window, also where clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.comparison import Comparison, compared_window
from mostread.core.ranking.windows import (
    NAMES,
    RANGE,
    Bounds,
    Window,
    after_this_minute,
    resolve,
)

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)  # a Monday


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("name", "comparison", "start", "end"),
    [
        ("24h", "previous", utc(2026, 11, 21, 14, 4), utc(2026, 11, 22, 14, 4)),
        ("24h", "week", utc(2026, 11, 15, 14, 4), utc(2026, 11, 16, 14, 4)),
        ("1h", "day", utc(2026, 11, 22, 13, 4), utc(2026, 11, 22, 14, 4)),
        ("30d", "previous", utc(2026, 9, 24, 14), utc(2026, 10, 24, 14, 4)),
        ("30d", "year", utc(2025, 10, 24, 14), utc(2025, 11, 23, 14)),
        ("today", "previous", utc(2026, 11, 22), utc(2026, 11, 22, 14, 4)),
        ("today", "day", utc(2026, 11, 22), utc(2026, 11, 22, 14, 4)),
        ("today", "week", utc(2026, 11, 16), utc(2026, 11, 16, 14, 4)),
        ("today", "year", utc(2025, 11, 23), utc(2025, 11, 23, 14)),
        ("yesterday", "previous", utc(2026, 11, 21), utc(2026, 11, 22)),
        ("week", "previous", utc(2026, 11, 16), utc(2026, 11, 16, 14, 4)),
        ("last_week", "previous", utc(2026, 11, 9), utc(2026, 11, 16)),
        ("month", "previous", utc(2026, 10, 1), utc(2026, 10, 23, 14, 4)),
        ("last_month", "previous", utc(2026, 9, 1), utc(2026, 10, 1)),
        ("last_month", "year", utc(2025, 10, 1), utc(2025, 11, 1)),
    ],
)
def test_window_is_compared_with_earlier_one(
    name: str, comparison: Comparison, start: datetime, end: datetime
) -> None:
    earlier = compared_window(resolve(name, NOW), comparison, NOW, UTC_ZONE)
    assert earlier == Window(comparison, start, end)


@pytest.mark.parametrize(
    ("now", "name", "start", "end"),
    [
        (utc(2029, 2, 28, 23, 59), "today", utc(2028, 2, 28), utc(2028, 2, 29)),
        (utc(2029, 3, 1, 9), "yesterday", utc(2028, 2, 28), utc(2028, 2, 29)),
        (utc(2028, 3, 1, 9), "yesterday", utc(2027, 2, 28), utc(2027, 3, 1)),
        (utc(2029, 3, 2, 9), "last_month", utc(2028, 2, 1), utc(2028, 3, 1)),
    ],
)
def test_last_of_february_is_compared_with_one_day_of_leap_year(
    now: datetime, name: str, start: datetime, end: datetime
) -> None:
    earlier = compared_window(resolve(name, now), "year", now, UTC_ZONE)
    assert earlier == Window("year", start, end)


def test_unfinished_day_is_compared_until_same_clock_time_after_clock_change() -> None:
    now = utc(2026, 10, 25, 12, 30)  # 13:30 in Berlin, an hour after yesterday's 13:30 plus 24 h
    earlier = compared_window(resolve("today", now, BERLIN), "previous", now, BERLIN)
    assert earlier == Window("previous", utc(2026, 10, 23, 22), utc(2026, 10, 24, 11, 31))


def test_whole_day_is_compared_with_whole_day_of_other_length() -> None:
    now = utc(2026, 10, 26, 12)
    yesterday = resolve("yesterday", now, BERLIN)
    earlier = compared_window(yesterday, "previous", now, BERLIN)
    assert earlier == Window("previous", utc(2026, 10, 23, 22), utc(2026, 10, 24, 22))
    assert yesterday.end - yesterday.start == timedelta(hours=25)


def test_end_of_long_month_is_compared_with_whole_shorter_month() -> None:
    now = utc(2027, 3, 31, 9)
    earlier = compared_window(resolve("month", now), "previous", now, UTC_ZONE)
    assert earlier == Window("previous", utc(2027, 2, 1), utc(2027, 3, 1))


def test_leap_day_is_compared_with_day_before_first_of_march() -> None:
    now = utc(2028, 2, 29, 9)
    earlier = compared_window(resolve("today", now), "year", now, UTC_ZONE)
    assert earlier == Window("year", utc(2027, 2, 28), utc(2027, 2, 28, 9))


def test_range_of_dates_is_compared_with_days_before_it() -> None:
    bounds = Bounds(utc(2026, 11, 1), utc(2026, 11, 8))
    earlier = compared_window(resolve(RANGE, NOW, bounds=bounds), "previous", NOW, UTC_ZONE)
    assert earlier == Window("previous", utc(2026, 10, 25), utc(2026, 11, 1))


def test_dates_between_hours_are_compared_though_their_minutes_are_not_stored() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    last_month = resolve("last_month", NOW, kolkata)
    earlier = compared_window(last_month, "previous", NOW, kolkata)
    assert earlier == Window("previous", utc(2026, 8, 31, 18), utc(2026, 9, 30, 18))
    assert last_month.start == utc(2026, 9, 30, 18)


def test_range_of_times_is_compared_with_same_length() -> None:
    bounds = Bounds(utc(2026, 11, 22, 10, 15), utc(2026, 11, 22, 11))
    window = resolve(RANGE, NOW, bounds=bounds)
    before = compared_window(window, "previous", NOW, UTC_ZONE)
    assert before == Window("previous", utc(2026, 11, 22, 9, 30), utc(2026, 11, 22, 10, 15))
    week = compared_window(window, "week", NOW, UTC_ZONE)
    assert week == Window("week", utc(2026, 11, 15, 10, 15), utc(2026, 11, 15, 11))


def test_lifetime_and_future_have_no_earlier_window() -> None:
    assert compared_window(resolve("all", NOW), "previous", NOW, UTC_ZONE) is None
    tomorrow = Window(RANGE, utc(2026, 11, 24), utc(2026, 11, 25))
    assert compared_window(tomorrow, "previous", NOW, UTC_ZONE) is None


@given(
    moment=st.floats(1_704_067_200, 1_893_456_000).map(lambda t: datetime.fromtimestamp(t, UTC)),
    zone=st.sampled_from(
        ["UTC", "Asia/Almaty", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"]
    ).map(ZoneInfo),
    name=st.sampled_from([name for name in NAMES if name != "all"]),
    comparison=st.sampled_from(["previous", "day", "week", "year"]),
)
def test_earlier_window_is_about_as_long_and_not_later(
    moment: datetime, zone: ZoneInfo, name: str, comparison: Comparison
) -> None:
    window = resolve(name, moment, zone)
    earlier = compared_window(window, comparison, moment, zone)
    assert earlier is not None
    assert earlier.start < earlier.end or moment - window.start < timedelta(hours=2)
    assert earlier.start < window.start
    passed = min(window.end, after_this_minute(moment))
    if comparison == "previous":
        assert earlier.end <= window.start
    if name not in {"month", "last_month"}:
        difference = (passed - window.start) - (earlier.end - earlier.start)
        # The days of a leap year may contain 29 February.
        assert abs(difference) <= timedelta(days=comparison == "year", hours=2)
