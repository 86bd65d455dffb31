"""The counts of one article over time, for a chart: one number a minute or an hour."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, get_args

from mostread.core.ranking.windows import HOUR, MINUTE
from mostread.ranking.api.params import PARAMETERS, BadParameter, Parameter, one_of, parsed
from mostread.ranking.repository import Counts, Store
from mostread.ranking.service.lists import is_stale

SeriesGrain = Literal["minute", "hour"]

LONGEST = 1500
"""The most windows in an answer: a day of minutes, or two months of hours."""

KEPT: dict[SeriesGrain, timedelta] = {"minute": timedelta(days=35), "hour": timedelta(days=400)}
"""How long rows are kept; see the TTL in schemas/clickhouse."""

STEPS: dict[SeriesGrain, timedelta] = {"minute": MINUTE, "hour": HOUR}
"""How long a window of each grain is."""

_USUAL: dict[SeriesGrain, timedelta] = {"minute": timedelta(hours=3), "hour": timedelta(days=7)}
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


class SeriesQuery(NamedTuple):
    """Which windows are asked for: `start` inclusive, `end` exclusive, both whole grains."""

    site: str
    article_id: str
    grain: SeriesGrain
    start: datetime
    end: datetime

    @property
    def length(self) -> int:
        return (self.end - self.start) // STEPS[self.grain]


@dataclass(frozen=True, slots=True)
class Series:
    """Counts window by window, none left out; `known` is whether there is such an article."""

    query: SeriesQuery
    as_of: datetime | None
    stale: bool
    known: bool
    counts: list[Counts]


@dataclass(frozen=True, slots=True)
class AllSeries:
    """Computes series. `clock` is in milliseconds since the epoch."""

    store: Store
    clock: Callable[[], int]
    stale_after: timedelta

    async def compute(self, query: SeriesQuery) -> Series:
        """Raise ClickHouseUnavailable or Misconfigured where it cannot be computed."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        site, article_id, grain, start, end = query
        as_of = await self.store.counted_until()
        rows, described, totals = await asyncio.gather(
            self.store.series(site, article_id, grain, start, end),
            self.store.described(site, [article_id]),
            self.store.totals(site, [article_id]),
        )
        counts = [Counts()] * query.length
        first, step = int(start.timestamp()), int(STEPS[grain].total_seconds())
        for row in rows:
            counts[(row.start - first) // step] = Counts(row.views, row.comments, row.likes)
        stale = is_stale(as_of, now, self.stale_after)
        return Series(query, as_of, stale, bool(described or totals), counts)


def series_query(raw: str, article_id: str, now: datetime) -> SeriesQuery:
    """Parse the part of an address behind the question mark. Raises BadParameter."""
    _, values = parsed(raw, _PARAMETERS)
    grain: SeriesGrain = values.get("grain", "hour")
    step, last = STEPS[grain], _whole(now, grain) + STEPS[grain]
    # A client's clock may be ahead; what has not happened yet is not in the answer.
    end = min(last, _whole(values.get("to", last) + step - timedelta.resolution, grain))
    start = _whole(values.get("from", end - _USUAL[grain]), grain)
    if start >= end:
        raise BadParameter("from", "from is not before to, and not before now", "an earlier time")
    if start < last - KEPT[grain]:
        kept = f"at most {KEPT[grain].days} days ago: that long each {grain} is kept"
        raise BadParameter("from", f"from lies too far back for grain={grain}", kept)
    query = SeriesQuery(values.get("site", "default"), article_id, grain, start, end)
    if query.length > LONGEST:
        shorter = f"a time at most {LONGEST} {grain}s before to"
        raise BadParameter("from", f"from to to are {query.length} {grain}s", shorter)
    return query


def _whole(moment: datetime, grain: SeriesGrain) -> datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole if grain == "minute" else whole.replace(minute=0)


def _moment(value: str) -> datetime:
    # An offset's plus is a blank in an address that is not percent-encoded.
    if not _MOMENT.fullmatch(value.replace(" ", "+")):
        raise ValueError(value)
    moment = datetime.fromisoformat(value.replace(" ", "+")).astimezone(UTC)
    if not 1970 <= moment.year < 2100:
        raise ValueError(value)
    return moment


_TIME = "a time of RFC 3339, for example 2026-11-23T14:00:00Z"
_PARAMETERS = {
    "site": PARAMETERS["site"],
    "grain": one_of(get_args(SeriesGrain)),
    "from": Parameter(_TIME, _moment),
    "to": Parameter(_TIME, _moment),
}
