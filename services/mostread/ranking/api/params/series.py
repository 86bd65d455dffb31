"""Parse the query string of a time series."""

from datetime import datetime, timedelta
from typing import get_args

from mostread.core.retention import HOUR_ROW_TTL_SECONDS, MINUTE_ROW_TTL_SECONDS
from mostread.errors import BadParameter
from mostread.ranking.api.params.lists import PARAMETERS
from mostread.ranking.api.params.values import TIMESTAMP, one_of, parse
from mostread.ranking.queries import SeriesGrain, SeriesQuery
from mostread.ranking.steps import LENGTHS, step_start

MAX_SERIES_LENGTH = 1500
"""The most steps of a time series: a day of minutes, or two months of hours."""

_MAX_FILE_LENGTH = 10_000
"""The most steps of a file: a week of minutes, or all the hours that are kept."""

RETENTION: dict[SeriesGrain, timedelta] = {
    "minute": timedelta(seconds=MINUTE_ROW_TTL_SECONDS),
    "hour": timedelta(seconds=HOUR_ROW_TTL_SECONDS),
}
"""How long ClickHouse keeps rows of each grain."""

_DEFAULT_LENGTH: dict[SeriesGrain, timedelta] = {
    "minute": timedelta(hours=3),
    "hour": timedelta(days=7),
}

_SERIES = {
    "site": PARAMETERS["site"],
    "grain": one_of(get_args(SeriesGrain)),
    "from": TIMESTAMP,
    "to": TIMESTAMP,
}


def series_query(raw: str, article_id: str, now: datetime, *, file: bool = False) -> SeriesQuery:
    """Parse the query string of a time series, which is longer in a file. Raises BadParameter."""
    max_length = _MAX_FILE_LENGTH if file else MAX_SERIES_LENGTH
    _, values = parse(raw, _SERIES)
    grain: SeriesGrain = values.get("grain", "hour")
    step = LENGTHS[grain]
    last = step_start(now, grain) + step
    # A client's clock may be ahead; the series ends with the current step.
    end = min(last, step_start(values.get("to", last) + step - timedelta.resolution, grain))
    start = step_start(values.get("from", end - _DEFAULT_LENGTH[grain]), grain)
    if start >= end:
        raise BadParameter("from", "from is not before to, and not before now", "an earlier time")
    if start < last - RETENTION[grain]:
        allowed = f"at most {RETENTION[grain].days} days ago, the retention of {grain} counts"
        raise BadParameter("from", f"from is too long ago for grain={grain}", allowed)
    query = SeriesQuery(values.get("site", "default"), article_id, grain, start, end)
    if query.length > max_length:
        allowed = f"a time at most {max_length} {grain}s before to"
        raise BadParameter("from", f"from and to are {query.length} {grain}s apart", allowed)
    return query
