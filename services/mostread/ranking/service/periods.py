"""Resolve the window of a query, and the window to compare it with."""

from datetime import datetime
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from mostread.core.ranking.comparison import Comparison, compared_window
from mostread.core.ranking.windows import (
    LIFETIME,
    RANGE_LIMIT,
    Bounds,
    Window,
    after_this_minute,
    resolve,
)
from mostread.errors import BadParameter

NotCompared = Literal["lifetime", "expired"]
"""Why nothing is compared: a lifetime has no earlier window; hours are kept for 400 days."""


class PeriodQuery(Protocol):
    """A query of counts in a window."""

    @property
    def window(self) -> str: ...
    @property
    def tz(self) -> str | None: ...
    @property
    def bounds(self) -> Bounds | None: ...
    @property
    def compare(self) -> Comparison | None: ...


def zone(query: PeriodQuery) -> ZoneInfo:
    """Return the time zone of the days of a query."""
    return ZoneInfo(query.tz or "UTC")


def window(query: PeriodQuery, now: datetime) -> Window:
    """Return the window of a query. Raises BadParameter for a range that is not stored."""
    resolved = resolve(query.window, now, zone(query), query.bounds)
    if query.bounds is not None:
        if resolved.start < now - RANGE_LIMIT:
            raise BadParameter(
                "from",
                "from reaches too far back",
                f"times at most {RANGE_LIMIT.days} days ago, the retention of hours",
            )
        if resolved.start >= after_this_minute(now):
            raise BadParameter("from", "from is in the future", "an earlier time")
    return resolved


def compared(query: PeriodQuery, resolved: Window, now: datetime) -> Window | None:
    """Return the window to compare with, None if there is none or its hours are not stored."""
    if query.compare is None:
        return None
    earlier = compared_window(resolved, query.compare, now, zone(query))
    return earlier if earlier and earlier.start >= now - RANGE_LIMIT else None


def not_compared(query: PeriodQuery, earlier: Window | None) -> NotCompared | None:
    """Return why a query that asks for a comparison has no window to compare with."""
    if query.compare is None or earlier is not None:
        return None
    return "lifetime" if query.window == LIFETIME else "expired"
