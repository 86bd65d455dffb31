"""Time windows, and the counter rows that cover them.

Sliding windows end with the current minute, so they move once per minute.
Calendar windows are whole local days, from the first instant of a date to the first instant
of another: a day has 23, 24 or 25 hours when clocks change. A range is a window with bounds of its
own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple

from mostread.core.counting.counters import Grain, week_start
from mostread.core.retention import HOUR_ROW_TTL_SECONDS, MINUTE_ROW_TTL_SECONDS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)

SLIDING = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
LIFETIME = "all"
CALENDAR = ("today", "yesterday", "week", "last_week", "month", "last_month")
NAMES = (*SLIDING, LIFETIME, *CALENDAR)
RANGE = "range"
"""The name of a window whose bounds the request sets."""

OVER = ("yesterday", "last_week", "last_month")
CURRENT = tuple(name for name in NAMES if name not in OVER)
"""Windows that contain the present; only their lists have pins."""

Lag = Literal["hour", "day", "week", "month"]

LAGS: dict[str, Lag] = {
    **dict.fromkeys(("1h", "6h", "24h", "today"), "hour"),
    "last_week": "week",
    "last_month": "month",
}
"""How much earlier the list is whose ranks a list is compared with; a day by default."""

RANGE_LIMIT = timedelta(seconds=HOUR_ROW_TTL_SECONDS)
"""How far back a range may start: the retention of hour rows."""

_MINUTES_KEPT = timedelta(seconds=MINUTE_ROW_TTL_SECONDS) - timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A time range: `start` inclusive, `end` exclusive, both in UTC and whole minutes.

    `all` starts at the epoch and covers the lifetime of an article, late events included.
    """

    name: str
    start: datetime
    end: datetime


class Bounds(NamedTuple):
    """Bounds of a range: `start` inclusive, `end` exclusive; None is the current minute."""

    start: datetime
    end: datetime | None


def resolve(name: str, now: datetime, zone: tzinfo = UTC, bounds: Bounds | None = None) -> Window:
    """Return a window as of `now`: the range with `bounds`, or the one with this name.

    `zone` affects CALENDAR windows only. An edge so old that its minutes are no longer stored is
    moved to the start of its hour; a range within one such hour is that hour.
    """
    if bounds is not None:
        start = stored_edge(bounds.start, now)
        end = stored_edge(bounds.end or after_this_minute(now), now)
        return Window(RANGE, start, end if start != end else start + HOUR)
    if name in SLIDING:
        end = after_this_minute(now)
        return Window(name, end - SLIDING[name], end)
    if name == LIFETIME:
        return Window(name, EPOCH, after_this_minute(now))
    first, last = _calendar_days(name, now.astimezone(zone).date())
    return stored(Window(name, day_start(first, zone), day_start(last, zone)), now)


def _calendar_days(name: str, today: date) -> tuple[date, date]:
    """Return the first day of a calendar window, and the first one after it."""
    day = timedelta(days=1)
    # ISO 8601: a week starts on Monday.
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    return {
        "today": (today, today + day),
        "yesterday": (today - day, today),
        "week": (monday, monday + 7 * day),
        "last_week": (monday - 7 * day, monday),
        "month": (first, month_after(first)),
        "last_month": ((first - day).replace(day=1), first),
    }[name]


def month_after(day: date) -> date:
    """Return the first day of the month after that of `day`."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def previous_window(
    name: str, now: datetime, zone: tzinfo = UTC, bounds: Bounds | None = None
) -> Window | None:
    """Return a window as of one lag before `now`, None for a range that was over then.

    A lag is that of LAGS. A window that contains `now` ends with the minute that was current one
    lag before.
    """
    # Local clock time: a lag from a day of 23 hours must not skip a day.
    local = now.astimezone(zone)
    then = {
        "hour": now - HOUR,
        "day": local - timedelta(days=1),
        "week": local - timedelta(days=7),
        "month": local.replace(day=1) - timedelta(days=1),
    }[LAGS.get(name, "day")]
    window = resolve(name, then, zone, bounds)
    minute_end = after_this_minute(then)
    end = min(window.end, minute_end)
    was_over = bounds is not None and bounds.end is not None and bounds.end <= minute_end
    if was_over or end <= window.start:
        return None
    return stored(replace(window, end=end), now)


def stored(window: Window, now: datetime) -> Window:
    """Return a window with the edges from which its rows are stored: see `stored_edge`."""
    return replace(window, start=stored_edge(window.start, now), end=stored_edge(window.end, now))


def stored_edge(edge: datetime, now: datetime) -> datetime:
    """Return an edge in UTC, moved to the start of its hour if its minutes are not stored."""
    edge = edge.astimezone(UTC)
    return edge if edge >= now - _MINUTES_KEPT else edge.replace(minute=0)


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


def spans(window: Window, now: datetime, *, weeks: bool = True) -> list[Span]:
    """Split a window into rows: the coarsest in the middle, finer ones at both edges.

    `now` affects the cost of the query, never the counts. Without `weeks`, the rows are hours and
    minutes.
    """
    if window.name == LIFETIME:
        return [Span("total", EPOCH, EPOCH + MINUTE)]
    start, end = window.start, window.end
    first, last = _nearest(start, _hour_start, HOUR, now), _nearest(end, _hour_start, HOUR, now)
    if first >= last:
        return [Span("minute", start, end)]
    hours = [Span("hour", first, last)]
    if weeks and last - first >= WEEK:
        monday = _nearest(first, _week_start, WEEK, now)
        last_monday = _nearest(last, _week_start, WEEK, now)
        if monday < last_monday:
            hours = [
                Span("week", monday, last_monday),
                *_edges("hour", first, last, monday, last_monday),
            ]
    return [*hours, *_edges("minute", start, end, first, last)]


def _edges(
    grain: Grain, start: datetime, end: datetime, first: datetime, last: datetime
) -> list[Span]:
    """Return the rows that turn `first` to `last` into `start` to `end`."""
    head = Span(grain, start, first) if start < first else Span(grain, first, start, -1)
    tail = Span(grain, last, end) if last < end else Span(grain, end, last, -1)
    return [edge for edge in (head, tail) if edge.start < edge.end]


def _nearest(
    edge: datetime, start: Callable[[datetime], datetime], length: timedelta, now: datetime
) -> datetime:
    """Return the multiple of `length` from which the fewest rows lead to `edge`."""
    below = start(edge)
    if below == edge:
        return edge
    above = below + length
    # Rows after the current minute are not filled, and those before the retention are deleted.
    filled = min(above, after_this_minute(now))
    nearer_above = filled - edge <= edge - below
    return above if nearer_above or below < now - RANGE_LIMIT else below


def _hour_start(edge: datetime) -> datetime:
    return edge.replace(minute=0)


def _week_start(edge: datetime) -> datetime:
    return datetime.fromtimestamp(week_start(int(edge.timestamp())), UTC)
