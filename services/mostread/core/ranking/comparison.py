"""The window that a window is compared with.

It is as long as the window, or as the part of it that has passed: today until 14:03 is compared
with yesterday until 14:03. Whole local days are compared with whole local days, whatever their
hours; other windows end at the same local clock time. Where minutes are no longer stored, an hour
at an edge counts in proportion: `shares`.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from mostread.core.ranking.query_plan import Bucket, RowWeights, row_weights
from mostread.core.ranking.windows import (
    CALENDAR,
    HOUR,
    LIFETIME,
    MINUTE,
    RANGE,
    Window,
    after_this_minute,
    day_start,
    month_after,
    stored,
    stored_edge,
)

Comparison = Literal["previous", "day", "week", "year"]

WHOLE = 60
"""The weight of a row that counts in full: `shares` are in sixtieths."""

_DAY = timedelta(days=1)
# 52 weeks, so that weekdays meet.
_AGO = {"day": _DAY, "week": 7 * _DAY, "year": 52 * 7 * _DAY}


def compared_window(
    window: Window, comparison: Comparison, now: datetime, zone: tzinfo
) -> Window | None:
    """Return the window to compare with; None for a lifetime, or before the window starts.

    `previous` is the time of the same length before the window, or for months the month before.
    `day`, `week` and `year` are the same clock times a day, seven days or 52 weeks earlier, so that
    weekdays meet; for a month, `year` is the month of that name.
    """
    passed = min(window.end, after_this_minute(now))
    if window.name == LIFETIME or passed <= window.start:
        return None
    days = _whole_days(window, now, zone)
    if days is not None:
        is_over = passed == window.end
        # Edges that the window has moved to their hours make it longer or shorter.
        head = day_start(days[0], zone) - window.start
        tail = day_start(days[1], zone) - window.end if is_over else timedelta()
        start, end = _earlier_days(*days, passed + tail, comparison, zone)
        moved = head if comparison == "previous" else tail
        start, end = start - moved - (head - tail), end - moved
    else:
        end = window.start
        if comparison != "previous":
            end = _at_clock_time(passed, _minus(_AGO[comparison]), zone)
        start = end - (passed - window.start)
    return Window(comparison, start, end)


def shares(window: Window, now: datetime) -> RowWeights:
    """Return the row weights of a window to compare with; WHOLE counts a row once.

    An hour whose minutes are no longer stored counts by the minutes of it in the window.
    """
    kept = stored(window, now)
    weights = {bucket: WHOLE * weight for bucket, weight in row_weights(kept, now).items()}
    edges = ((window.start, kept.start, -1), (window.end, kept.end, 1))
    for edge, hour, sign in edges:
        if minutes := (edge - hour) // MINUTE:
            bucket = Bucket("hour", int(hour.timestamp()))
            weights[bucket] = weights.get(bucket, 0) + sign * minutes
    return {bucket: weight for bucket, weight in weights.items() if weight}


def _earlier_days(
    first: date, after: date, passed: datetime, comparison: Comparison, zone: tzinfo
) -> tuple[datetime, datetime]:
    """Return the bounds of the earlier days of those from `first` to before `after`."""
    is_month = first.day == 1 and after == month_after(first)
    if comparison == "previous":
        end = first
        start = (first - _DAY).replace(day=1) if is_month else first - (after - first)
        earlier = _minus(first - start)
    else:
        is_year = is_month and comparison == "year"
        earlier = _year_earlier if is_year else _minus(_AGO[comparison])
        start, end = earlier(first), earlier(after)
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


def _minus(days: timedelta) -> Callable[[date], date]:
    return lambda day: day - days


def _year_earlier(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        day += _DAY
    return day.replace(year=day.year - 1)


def _at_clock_time(moment: datetime, earlier: Callable[[date], date], zone: tzinfo) -> datetime:
    local = moment.astimezone(zone)
    return datetime.combine(earlier(local.date()), local.timetz()).astimezone(UTC)
