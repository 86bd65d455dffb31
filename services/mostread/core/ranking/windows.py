"""Named time windows, and the counter rows that cover them.

Sliding windows end with the current minute, so they move once per minute.
Calendar windows are whole local days, from the first instant of a date to the first instant
of another: a day has 23, 24 or 25 hours when clocks change.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple

from mostread.core.counting.counters import Grain

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

SLIDING = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
LIFETIME = "all"
CALENDAR = ("today", "yesterday", "week")
NAMES = (*SLIDING, LIFETIME, *CALENDAR)

OVER = ("yesterday",)
CURRENT = tuple(name for name in NAMES if name not in OVER)
"""Windows that contain the present; only their lists have pins."""

HOURLY_STEPS = ("1h", "6h", "24h", "today")
"""Windows whose ranks are compared with those an hour ago; the others, with a day ago."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time range: `start` inclusive, `end` exclusive, both in UTC and whole minutes.

    `all` starts at the epoch and covers the lifetime of an article, late events included.
    """

    name: str
    start: datetime
    end: datetime


def resolve(name: str, now: datetime, zone: tzinfo = UTC) -> Window:
    """Return a window by name as of `now`; `zone` affects CALENDAR windows only."""
    if name in SLIDING:
        end = after_this_minute(now)
        return Window(name, end - SLIDING[name], end)
    if name == LIFETIME:
        return Window(name, EPOCH, after_this_minute(now))
    today = now.astimezone(zone).date()
    first, days = {
        "today": (today, 1),
        "yesterday": (today - timedelta(days=1), 1),
        # ISO 8601: a week starts on Monday.
        "week": (today - timedelta(days=today.weekday()), 7),
    }[name]
    return Window(name, day_start(first, zone), day_start(first + timedelta(days=days), zone))


def previous_window(name: str, now: datetime, zone: tzinfo = UTC) -> Window:
    """Return a window by name as of one step before `now`.

    A step is an hour, or a day for windows that an hour hardly changes. A calendar window ends
    with the minute that was current then.
    """
    if name in HOURLY_STEPS:
        then = now - timedelta(hours=1)
    else:
        # Local clock time: a step from a day of 23 hours must not skip a day.
        then = now.astimezone(zone) - timedelta(days=1)
    window = resolve(name, then, zone)
    return replace(window, end=min(window.end, after_this_minute(then)))


def after_this_minute(now: datetime) -> datetime:
    """Return the start of the minute after `now`."""
    return now.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE


def day_start(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a local date, in UTC.

    If clocks skip midnight, that is the instant of the change; if midnight occurs twice, the
    first of the two.
    """
    midnight = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    while (midnight - MINUTE).astimezone(zone).date() >= day:
        midnight -= MINUTE
    return midnight


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of one grain with `start` <= window < `end`, each counted `sign` times."""

    grain: Grain
    start: datetime
    end: datetime
    sign: Literal[1, -1] = 1


class Spans(NamedTuple):
    """Rows of a window: `body`, and minutes at both edges. Each span may be empty."""

    body: Span
    head: Span
    tail: Span


def spans(window: Window, now: datetime) -> Spans:
    """Split a window into rows; `now` affects the cost of the query, never the counts."""
    empty = Span("minute", EPOCH, EPOCH)
    if window.name == LIFETIME:
        return Spans(Span("total", EPOCH, EPOCH + MINUTE), empty, empty)
    start, end = window.start, window.end
    first, last = _nearest_hour(start, now), _nearest_hour(end, now)
    if first >= last:
        return Spans(Span("hour", first, first), Span("minute", start, end), empty)
    return Spans(
        Span("hour", first, last),
        Span("minute", start, first) if start < first else Span("minute", first, start, -1),
        Span("minute", last, end) if last < end else Span("minute", end, last, -1),
    )


def _nearest_hour(edge: datetime, now: datetime) -> datetime:
    below = edge.replace(minute=0)
    if below == edge:
        return edge
    above = below + HOUR
    filled = min(above, after_this_minute(now))
    return above if filled - edge <= edge - below else below
