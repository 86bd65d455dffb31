"""Parse the window of a query, or its range, and what it is compared with."""

from collections.abc import MutableMapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, get_args
from zoneinfo import ZoneInfo

from mostread.core.ranking import windows
from mostread.core.ranking.comparison import Comparison
from mostread.core.ranking.windows import MINUTE, Bounds, day_start
from mostread.errors import BadParameter, ReversedRange
from mostread.ranking.api.params.values import TIMESTAMP_OR_DATE, one_of

NO_COMPARISON = "none"

RANGE = {"from": TIMESTAMP_OR_DATE, "to": TIMESTAMP_OR_DATE}
COMPARE = one_of((*get_args(Comparison), NO_COMPARISON))


class Period(NamedTuple):
    """The window of a query; `tz` is None where it has no effect, which would split the cache."""

    window: str
    tz: str | None
    bounds: Bounds | None
    compare: Comparison | None


def take_period(values: MutableMapping[str, Any], default: str, default_zone: str) -> Period:
    """Remove the parsed parameters of a period from `values`. Raises BadParameter.

    `default` is the window of a query that names none.
    """
    tz: str = values.pop("tz", default_zone)
    window = values.pop("window", None)
    start, end = values.pop("from", None), values.pop("to", None)
    compare = values.pop("compare", NO_COMPARISON)
    if compare == NO_COMPARISON:
        compare = None
    if start is None and end is None:
        name = window or default
        has_days = name in windows.CALENDAR or compare
        return Period(name, tz if has_days else None, None, compare)
    if window is not None:
        raise BadParameter("window", "window cannot be combined with from and to", "one of them")
    if start is None:
        raise BadParameter("from", "from is missing", "from, with or without to")
    bounds = Bounds(range_start(start, tz), range_end(end, tz))
    if bounds.end is not None and bounds.end <= bounds.start:
        raise ReversedRange
    return Period(windows.RANGE, tz, bounds, compare)


def range_start(written: datetime | date, tz: str) -> datetime:
    """Return the first minute of a range that starts at a time, or on a local date."""
    if not isinstance(written, datetime):
        return day_start(written, ZoneInfo(tz))
    return written.replace(second=0, microsecond=0)


def range_end(written: datetime | date | None, tz: str) -> datetime | None:
    """Return the minute after a range that ends before a time, or contains a last local date."""
    if written is None:
        return None
    if isinstance(written, datetime):
        return (written + MINUTE - timedelta.resolution).replace(second=0, microsecond=0)
    return day_start(written + timedelta(days=1), ZoneInfo(tz))
