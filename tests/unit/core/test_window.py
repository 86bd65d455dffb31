"""Windows: their start and end in every zone, and on days of 23 and 25 hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.windows import (
    CALENDAR,
    EPOCH,
    NAMES,
    RANGE,
    SLIDING,
    Bounds,
    Window,
    day_start,
    previous_window,
    resolve,
)

NOW = datetime(2026, 11, 23, 14, 3, 5, 250_000, tzinfo=UTC)

# From 2015 to 2037: zones have offsets of whole minutes and known rules.
moments = st.floats(1_420_070_400, 2_114_380_800).map(lambda t: datetime.fromtimestamp(t, UTC))
zones = st.sampled_from(
    [
        "UTC",
        "Asia/Almaty",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Eucla",
        "Australia/Lord_Howe",
        "Pacific/Chatham",
        "Pacific/Apia",
        "America/New_York",
        "America/St_Johns",
        "America/Havana",
        "America/Nuuk",
        "America/Scoresbysund",
        "Africa/Cairo",
        "Asia/Beirut",
        "Europe/Berlin",
    ]
).map(ZoneInfo)


@pytest.mark.parametrize("name", SLIDING)
def test_sliding_window_ends_with_current_minute(name: str) -> None:
    window = resolve(name, NOW)
    assert window.end == datetime(2026, 11, 23, 14, 4, tzinfo=UTC)
    assert window.end - window.start == SLIDING[name]


def test_window_includes_minute_that_has_just_started() -> None:
    now = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
    assert resolve("1h", now).end == datetime(2026, 11, 23, 14, 4, tzinfo=UTC)


def test_lifetime_window_starts_at_epoch() -> None:
    assert resolve("all", NOW).start == EPOCH


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        # Both clock changes in the north and the south, and one of half an hour.
        (datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Berlin", 23),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), "Europe/Berlin", 25),
        (datetime(2026, 3, 8, 18, tzinfo=UTC), "America/New_York", 23),
        (datetime(2026, 11, 1, 18, tzinfo=UTC), "America/New_York", 25),
        (datetime(2026, 10, 4, 2, tzinfo=UTC), "Australia/Lord_Howe", 23.5),
        (datetime(2026, 4, 5, 2, tzinfo=UTC), "Australia/Lord_Howe", 24.5),
        # Midnight is skipped, or occurs twice.
        (datetime(2026, 4, 24, 12, tzinfo=UTC), "Africa/Cairo", 23),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), "America/Havana", 25),
        (datetime(2026, 11, 23, 14, tzinfo=UTC), "Asia/Almaty", 24),
    ],
)
def test_day_window_has_hours_of_local_day(now: datetime, zone: str, hours: float) -> None:
    today = resolve("today", now, ZoneInfo(zone))
    assert today.end - today.start == timedelta(hours=hours)
    after = resolve("yesterday", now + timedelta(days=1), ZoneInfo(zone))
    assert (after.start, after.end) == (today.start, today.end)


def test_day_window_starts_between_hours_in_odd_offsets() -> None:
    assert resolve("today", NOW, ZoneInfo("Asia/Kathmandu")).start == datetime(
        2026, 11, 22, 18, 15, tzinfo=UTC
    )
    assert resolve("today", NOW, ZoneInfo("Asia/Kolkata")).start == datetime(
        2026, 11, 22, 18, 30, tzinfo=UTC
    )


def test_week_window_starts_on_monday_across_clock_change() -> None:
    week = resolve("week", datetime(2026, 3, 29, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert week.start == datetime(2026, 3, 22, 23, tzinfo=UTC)
    assert week.end - week.start == timedelta(days=7, hours=-1)


@given(moments, zones, st.sampled_from(NAMES))
def test_windows_are_whole_minutes_and_contain_now_unless_they_are_over(
    now: datetime, zone: ZoneInfo, name: str
) -> None:
    window = resolve(name, now, zone)
    for edge in (window.start, window.end):
        assert edge.tzinfo is UTC
        assert (edge.second, edge.microsecond) == (0, 0)
    over = name in {"yesterday", "last_week", "last_month"}
    assert (window.start <= now < window.end) == (not over)


@given(moments, zones)
def test_window_that_is_over_ends_where_current_one_starts(now: datetime, zone: ZoneInfo) -> None:
    for before, current in (("yesterday", "today"), ("last_week", "week"), ("last_month", "month")):
        assert resolve(before, now, zone).end == resolve(current, now, zone).start


@given(st.dates(date(2015, 1, 1), date(2037, 1, 1)), zones)
def test_day_start_is_first_instant_of_date(day: date, zone: ZoneInfo) -> None:
    start = day_start(day, zone)
    assert start.astimezone(zone).date() == day
    assert (start - timedelta(microseconds=1)).astimezone(zone).date() < day


@given(moments, zones)
def test_zone_affects_calendar_windows_only(now: datetime, zone: ZoneInfo) -> None:
    for name in set(NAMES) - set(CALENDAR):
        assert resolve(name, now, zone) == resolve(name, now)


def test_day_starts_when_clocks_skip_from_before_midnight() -> None:
    """On 30 March 1919 the clocks of Toronto went from 23:30 to 00:30."""
    start = day_start(date(1919, 3, 31), ZoneInfo("America/Toronto"))
    assert start == datetime(1919, 3, 31, 4, 30, tzinfo=UTC)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("name", "zone", "start", "end"),
    [
        ("month", "UTC", utc(2026, 11, 1), utc(2026, 12, 1)),
        ("last_month", "UTC", utc(2026, 10, 1), utc(2026, 11, 1)),
        ("last_week", "UTC", utc(2026, 11, 16), utc(2026, 11, 23)),
        ("month", "Asia/Almaty", utc(2026, 10, 31, 19), utc(2026, 11, 30, 19)),
        # October has 745 hours where clocks go back.
        ("last_month", "Europe/Berlin", utc(2026, 9, 30, 22), utc(2026, 10, 31, 23)),
        # Minutes are stored for 35 days: the first half-hour of October is no longer.
        ("last_month", "Asia/Kolkata", utc(2026, 9, 30, 18), utc(2026, 10, 31, 18, 30)),
    ],
)
def test_months_and_last_week_are_local(
    name: str, zone: str, start: datetime, end: datetime
) -> None:
    window = resolve(name, NOW, ZoneInfo(zone))
    assert (window.start, window.end) == (start, end)


def test_range_has_its_bounds_or_ends_now() -> None:
    bounds = Bounds(utc(2026, 11, 20, 5, 17), utc(2026, 11, 21))
    window = resolve(RANGE, NOW, bounds=bounds)
    assert window == Window("range", *bounds)  # type: ignore[arg-type]
    assert resolve(RANGE, NOW, bounds=bounds._replace(end=None)).end == utc(2026, 11, 23, 14, 4)


def test_edges_of_range_move_to_hour_where_minutes_are_not_stored() -> None:
    window = resolve(RANGE, NOW, bounds=Bounds(utc(2026, 1, 5, 5, 17), utc(2026, 11, 20, 5, 17)))
    assert (window.start, window.end) == (utc(2026, 1, 5, 5), utc(2026, 11, 20, 5, 17))


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("1h", utc(2026, 11, 23, 12, 4), utc(2026, 11, 23, 13, 4)),
        ("today", utc(2026, 11, 23), utc(2026, 11, 23, 13, 4)),
        ("yesterday", utc(2026, 11, 21), utc(2026, 11, 22)),
        ("week", utc(2026, 11, 16), utc(2026, 11, 22, 14, 4)),
        ("last_week", utc(2026, 11, 9), utc(2026, 11, 16)),
        ("month", utc(2026, 11, 1), utc(2026, 11, 22, 14, 4)),
        ("last_month", utc(2026, 9, 1), utc(2026, 10, 1)),
    ],
)
def test_previous_window_is_one_step_earlier(name: str, start: datetime, end: datetime) -> None:
    assert previous_window(name, NOW) == Window(name, start, end)


def test_previous_window_of_range_that_goes_on_ended_a_day_ago() -> None:
    start = utc(2026, 11, 20)
    for end in (None, utc(2026, 11, 24)):
        before = previous_window(RANGE, NOW, bounds=Bounds(start, end))
        assert before == Window(RANGE, start, utc(2026, 11, 22, 14, 4))


def test_range_that_is_over_or_began_today_has_no_previous_window() -> None:
    for bounds in (Bounds(utc(2026, 11, 1), utc(2026, 11, 2)), Bounds(utc(2026, 11, 23), None)):
        assert previous_window(RANGE, NOW, bounds=bounds) is None


def test_range_that_ended_between_two_stored_hours_has_no_previous_window() -> None:
    bounds = Bounds(utc(2026, 9, 1), utc(2026, 9, 2, 10, 30))
    assert previous_window(RANGE, NOW, bounds=bounds) is None
