"""The windows a list can be ranked over, by name.

Sliding windows end with the minute that is being counted, so that they move once a minute.
Calendar windows are whole local days, from the first instant of a date to the first instant
of another: a day has 23, 24 or 25 hours where clocks are changed.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple

from mostread.core.counting.counters import Grain

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

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

_STEPPED_BY_THE_HOUR = ("1h", "6h", "24h", "today")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time: `start` inclusive, `end` exclusive, both in UTC and whole minutes.

    `all` starts at the epoch and stands for the lifetime of an article, late events included.
    """

    name: str
    start: datetime
    end: datetime


def named(name: str, now: datetime, zone: tzinfo = UTC) -> Window:
    """Return the window of that name as it stands at `now`; `zone` matters to CALENDAR only."""
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


def a_step_before(name: str, now: datetime, zone: tzinfo = UTC) -> Window:
    """Return the window of that name as it stood a step before `now`.

    A step is an hour, and a day for what an hour hardly moves. It ends with the minute that was
    counted then, though a calendar window went on.
    """
    if name in _STEPPED_BY_THE_HOUR:
        then = now - timedelta(hours=1)
    else:
        # On the clock of the zone: a step from a day of 23 hours must not leave one out.
        then = now.astimezone(zone) - timedelta(days=1)
    window = named(name, then, zone)
    return replace(window, end=min(window.end, after_this_minute(then)))


def after_this_minute(now: datetime) -> datetime:
    """Return the start of the minute that follows the one `now` is in."""
    return now.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE


def day_start(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a local date, in UTC.

    Where the clocks skip midnight, that is the instant of the change; where midnight comes
    twice, the first of the two.
    """
    midnight = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    while (midnight - MINUTE).astimezone(zone).date() >= day:
        midnight -= MINUTE
    return midnight


HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of one grain with `start` <= window < `end`, each counted `sign` times."""

    grain: Grain
    start: datetime
    end: datetime
    sign: Literal[1, -1] = 1


class Spans(NamedTuple):
    """The rows of a window: `whole`, and minutes at the two edges. Each may be empty."""

    whole: Span
    head: Span
    tail: Span


def spans(window: Window, now: datetime) -> Spans:
    """Split a window; `now` only decides what is cheaper, never what is counted."""
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
