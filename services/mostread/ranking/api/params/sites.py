"""Parse the query strings of totals and time series of a site."""

from datetime import datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

from mostread.errors import BadParameter
from mostread.ranking.api.params.lists import PARAMETERS
from mostread.ranking.api.params.periods import (
    COMPARE,
    RANGE,
    range_end,
    range_start,
    take_period,
)
from mostread.ranking.api.params.series import MAX_SERIES_LENGTH, RETENTION
from mostread.ranking.api.params.values import one_of, parse
from mostread.ranking.queries import (
    Filters,
    ListDefaults,
    SiteGrain,
    SiteSeriesQuery,
    TotalsQuery,
)
from mostread.ranking.steps import LENGTHS, step_end, step_start

_DEFAULT_LENGTH: dict[SiteGrain, timedelta] = {
    "minute": timedelta(hours=3),
    "hour": timedelta(days=7),
    "day": timedelta(days=30),
}

_SITE = {name: PARAMETERS[name] for name in ("site", *Filters._fields, "tz")}
_TOTALS = {**_SITE, "window": PARAMETERS["window"], **RANGE, "compare": COMPARE}
_SERIES = {**_SITE, "grain": one_of(get_args(SiteGrain)), **RANGE}


def totals_query(raw: str, defaults: ListDefaults) -> TotalsQuery:
    """Parse the query string of the totals of a site. Raises BadParameter."""
    _, values = parse(raw, _TOTALS)
    period = take_period(values, "24h", defaults.tz)
    return TotalsQuery(values.get("site", "default"), _filters(values), *period)


def site_series_query(raw: str, defaults: ListDefaults, now: datetime) -> SiteSeriesQuery:
    """Parse the query string of the time series of a site. Raises BadParameter."""
    _, values = parse(raw, _SERIES)
    grain: SiteGrain = values.get("grain", "hour")
    tz: str = values.get("tz", defaults.tz)
    zone = ZoneInfo(tz)
    last = step_end(step_start(now, grain, zone), grain, zone)
    # A client's clock may be ahead; the series ends with the current step.
    end = min(last, range_end(values.get("to"), tz) or last)
    start = range_start(values.get("from", end - _DEFAULT_LENGTH[grain]), tz)
    start = step_start(start, grain, zone)
    if (last_start := step_start(end, grain, zone)) < end:
        end = step_end(last_start, grain, zone)
    if start >= end:
        raise BadParameter("from", "from is not before to, and not before now", "an earlier time")
    kept = RETENTION["minute" if grain == "minute" else "hour"]
    if start < last - kept:
        allowed = f"at most {kept.days} days ago, the retention of its counts"
        raise BadParameter("from", f"from is too long ago for grain={grain}", allowed)
    length = (end - start) // LENGTHS[grain]
    if length > MAX_SERIES_LENGTH:
        allowed = f"a time at most {MAX_SERIES_LENGTH} {grain}s before to"
        raise BadParameter("from", f"from and to are {length} {grain}s apart", allowed)
    site: str = values.get("site", "default")
    return SiteSeriesQuery(
        site, _filters(values), grain, start, end, tz if grain == "day" else None
    )


def _filters(values: dict[str, Any]) -> Filters:
    return Filters(**{name: values[name] for name in Filters._fields if name in values})
