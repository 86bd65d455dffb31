"""The window that a window is compared with.

It is as long as the window, or as the part of it that has passed: today until 14:00 is compared
with yesterday until 14:00. Whole local days are compared with whole local days, whatever their
hours; other windows end at the same local clock time.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from mostread.core.ranking.windows import (
    CALENDAR,
    HOUR,
    LIFETIME,
    MINUTE,
    RANGE,
    Window,
    after_this_minute,
    day_start,
    stored_edge,
)

Comparison = Literal["previous", "day", "week", "year"]

_DAY = timedelta(days=1)


def compared_window(
    window: Window, comparison: Comparison, now: datetime, zone: tzinfo
) -> Window | None:
    """Return the window to compare with; None for a lifetime, or before the window starts.

    `previous` is the time of the same length before the window, or for months the month before.
    `day`, `week` and `year` are the same clock times a day, seven days or a year earlier.
    """
    passed = min(window.end, after_this_minute(now))
    if window.name == LIFETIME or passed <= window.start:
        return None
    days = _whole_days(window, now, zone)
    if days is not None:
        start, end = _earlier_days(*days, passed, comparison, zone)
    else:
        end = window.start
        if comparison != "previous":
            end = _at_clock_time(passed, _earlier_date(comparison), zone)
        start = end - (passed - window.start)
    return Window(comparison, stored_edge(start, now), stored_edge(end, now))


def _earlier_days(
    first: date, after: date, passed: datetime, comparison: Comparison, zone: tzinfo
) -> tuple[datetime, datetime]:
    """Return the bounds of the earlier days of those from `first` to before `after`."""
    earlier = _earlier_date(comparison)
    is_month = first.day == 1 and after == (first + 31 * _DAY).replace(day=1)
    if comparison != "previous":
        # The day after 28 February may be a year and two days after the 28 February before.
        start, end = earlier(first), earlier(after) if is_month else earlier(after - _DAY) + _DAY
    else:
        end = first
        start = (first - _DAY).replace(day=1) if is_month else first - (after - first)
        earlier = _minus(first - start)
    bounds = day_start(start, zone), day_start(end, zone)
    if passed >= day_start(after, zone):
        return bounds
    # A month may be shorter than what has passed of the next one.
    return bounds[0], min(bounds[1], _at_clock_time(passed, earlier, zone))


def _whole_days(window: Window, now: datetime, zone: tzinfo) -> tuple[date, date] | None:
    """Return the first local date of a window and the first after it, if it is whole days."""
    if window.name not in (*CALENDAR, RANGE):
        return None
    # Old edges are whole hours, even where days start between hours.
    first, after = (
        (edge + HOUR - MINUTE).astimezone(zone).date() for edge in (window.start, window.end)
    )
    edges = tuple(stored_edge(day_start(day, zone), now) for day in (first, after))
    return (first, after) if edges == (window.start, window.end) else None


def _earlier_date(comparison: Comparison) -> Callable[[date], date]:
    if comparison == "year":
        return _year_earlier
    return _minus(7 * _DAY if comparison == "week" else _DAY)


def _minus(days: timedelta) -> Callable[[date], date]:
    return lambda day: day - days


def _year_earlier(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        day -= _DAY
    return day.replace(year=day.year - 1)


def _at_clock_time(moment: datetime, earlier: Callable[[date], date], zone: tzinfo) -> datetime:
    local = moment.astimezone(zone)
    return datetime.combine(earlier(local.date()), local.timetz()).astimezone(UTC)
