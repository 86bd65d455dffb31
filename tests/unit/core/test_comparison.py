"""Comparison: the earlier window of every window, also where clocks change."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.comparison import WHOLE, Comparison, compared_window, shares
from mostread.core.ranking.query_plan import Bucket
from mostread.core.ranking.windows import (
    NAMES,
    RANGE,
    Bounds,
    Window,
    after_this_minute,
    day_start,
    resolve,
)
from mostread.core.retention import MINUTE_ROW_TTL_SECONDS

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
        ("30d", "previous", utc(2026, 9, 24, 14, 4), utc(2026, 10, 24, 14, 4)),
        ("30d", "year", utc(2025, 10, 25, 14, 4), utc(2025, 11, 24, 14, 4)),
        ("today", "previous", utc(2026, 11, 22), utc(2026, 11, 22, 14, 4)),
        ("today", "day", utc(2026, 11, 22), utc(2026, 11, 22, 14, 4)),
        ("today", "week", utc(2026, 11, 16), utc(2026, 11, 16, 14, 4)),
        ("today", "year", utc(2025, 11, 24), utc(2025, 11, 24, 14, 4)),
        ("yesterday", "previous", utc(2026, 11, 21), utc(2026, 11, 22)),
        ("week", "previous", utc(2026, 11, 16), utc(2026, 11, 16, 14, 4)),
        ("week", "year", utc(2025, 11, 24), utc(2025, 11, 24, 14, 4)),
        ("last_week", "year", utc(2025, 11, 17), utc(2025, 11, 24)),
        ("month", "year", utc(2025, 11, 1), utc(2025, 11, 23, 14, 4)),
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
        (utc(2029, 3, 1, 9), "yesterday", utc(2028, 3, 1), utc(2028, 3, 2)),
        (utc(2028, 2, 29, 9), "month", utc(2027, 2, 1), utc(2027, 3, 1)),
        (utc(2029, 3, 2, 9), "last_month", utc(2028, 2, 1), utc(2028, 3, 1)),
    ],
)
def test_days_are_compared_with_weekdays_of_a_year_ago_and_months_with_months(
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


def test_range_of_dates_is_compared_with_days_before_it() -> None:
    bounds = Bounds(utc(2026, 11, 1), utc(2026, 11, 8))
    earlier = compared_window(resolve(RANGE, NOW, bounds=bounds), "previous", NOW, UTC_ZONE)
    assert earlier == Window("previous", utc(2026, 10, 25), utc(2026, 11, 1))


def test_dates_between_hours_are_compared_though_their_minutes_are_not_stored() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    last_month = resolve("last_month", NOW, kolkata)
    earlier = compared_window(last_month, "previous", NOW, kolkata)
    assert last_month.start == utc(2026, 9, 30, 18)
    assert last_month.end == utc(2026, 10, 31, 18, 30)
    # As the window starts half an hour early, the earlier one does so twice.
    assert earlier == Window("previous", utc(2026, 8, 31, 17, 30), utc(2026, 9, 30, 18))


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


ZONES = ("UTC", "Asia/Almaty", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")
moments = st.integers(1_704_067_200, 1_893_456_000).map(lambda t: datetime.fromtimestamp(t, UTC))
windows = st.sampled_from([name for name in NAMES if name != "all"])
comparisons = st.sampled_from(get_args(Comparison))


def offsets(window: Window, zone: ZoneInfo) -> set[timedelta | None]:
    hours = (window.end - window.start) // timedelta(hours=1)
    edges = [window.start + timedelta(hours=n) for n in range(hours + 1)]
    return {edge.astimezone(zone).utcoffset() for edge in (*edges, window.end)}


def compare(
    window: Window, comparison: Comparison, moment: datetime, zone: ZoneInfo
) -> tuple[Window, Window]:
    """Return the part of a window that has passed, and the window to compare it with."""
    earlier = compared_window(window, comparison, moment, zone)
    assert earlier is not None
    passed = Window("", window.start, min(window.end, after_this_minute(moment)))
    assert earlier.start < earlier.end
    assert earlier.end <= (passed.start if comparison == "previous" else passed.end)
    return passed, earlier


@given(moments, st.sampled_from(ZONES).map(ZoneInfo), windows, comparisons)
def test_both_windows_of_comparison_are_as_long_except_where_clocks_change(
    moment: datetime, zone: ZoneInfo, name: str, comparison: Comparison
) -> None:
    passed, earlier = compare(resolve(name, moment, zone), comparison, moment, zone)
    if name in {"month", "last_month"}:
        return
    difference = (passed.end - passed.start) - (earlier.end - earlier.start)
    change = len(offsets(passed, zone) | offsets(earlier, zone)) > 1
    assert abs(difference) <= timedelta(hours=change)
    if comparison in {"week", "year"}:
        assert earlier.start.astimezone(zone).weekday() == passed.start.astimezone(zone).weekday()


@given(
    moment=moments,
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "Asia/Kolkata"]).map(ZoneInfo),
    age=st.integers(0, 100 * 24 * 60),
    length=st.integers(1, 50 * 24 * 60),
    days=st.booleans(),
    comparison=comparisons,
)
def test_both_ranges_of_comparison_are_as_long_whatever_their_age(
    *,
    moment: datetime,
    zone: ZoneInfo,
    age: int,
    length: int,
    days: bool,
    comparison: Comparison,
) -> None:
    start = after_this_minute(moment) - timedelta(minutes=age + 1)
    end = start + timedelta(minutes=length)
    if days:
        start, end = (day_start(each.astimezone(zone).date(), zone) for each in (start, end))
        end = max(end, start + timedelta(days=1))
    window = resolve(RANGE, moment, zone, Bounds(start, end))
    assert window.start < window.end
    earlier = compared_window(window, comparison, moment, zone)
    assert earlier is not None
    local = start.astimezone(zone)
    if local.day != 1:  # a month is compared with a month, whatever its length
        passed = min(window.end, after_this_minute(moment)) - window.start
        assert earlier.end - earlier.start == passed


def test_half_an_hour_whose_minutes_are_not_stored_is_half_of_its_hour() -> None:
    window = Window("", utc(2026, 9, 1, 10), utc(2026, 9, 1, 11, 30))
    ten, eleven = (int(utc(2026, 9, 1, hour).timestamp()) for hour in (10, 11))
    assert shares(window, NOW) == {Bucket("hour", ten): WHOLE, Bucket("hour", eleven): WHOLE // 2}


@given(moments, st.integers(0, 80 * 24 * 60), st.integers(1, 3 * 24 * 60))
def test_shares_count_hours_without_minutes_in_proportion(
    moment: datetime, age: int, length: int
) -> None:
    end = after_this_minute(moment) - timedelta(minutes=age)
    window = Window("", end - timedelta(minutes=length), end)
    weights = shares(window, moment)
    assert (
        sum(weight * {"minute": 1, "hour": 60}[bucket.grain] for bucket, weight in weights.items())
        == WHOLE * length
    )
    kept = moment - timedelta(seconds=MINUTE_ROW_TTL_SECONDS)
    assert all(bucket.grain == "hour" or bucket.start >= kept.timestamp() for bucket in weights)
