"""Resolve the window of a query, and the window to compare it with."""

from datetime import datetime
from typing import Protocol
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
        _check_stored(resolved, now, "from")
        if resolved.start >= after_this_minute(now):
            raise BadParameter("from", "from is in the future", "an earlier time")
    return resolved


def compared(query: PeriodQuery, resolved: Window, now: datetime) -> Window | None:
    """Return the window to compare with, if any. Raises BadParameter if it is not stored."""
    if query.compare is None:
        return None
    if resolved.name == LIFETIME:
        raise BadParameter("compare", "a lifetime has no earlier window", "another window, or none")
    earlier = compared_window(resolved, query.compare, now, zone(query))
    if earlier is not None:
        _check_stored(earlier, now, "compare")
    return earlier


def _check_stored(resolved: Window, now: datetime, parameter: str) -> None:
    if resolved.start < now - RANGE_LIMIT:
        raise BadParameter(
            parameter,
            f"{parameter} reaches too far back",
            f"times at most {RANGE_LIMIT.days} days ago, the retention of hours",
        )
