"""Compute time series: the counts of one article per minute or hour."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mostread.ranking.queries import SeriesQuery
from mostread.ranking.repository import Counts, RankingRepository
from mostread.ranking.service.lists import is_stale
from mostread.ranking.steps import LENGTHS


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TimeSeries:
    """Counts of every step of a query, all of them zero for an unknown article.

    The first `complete` steps are over, and every event of them that was received is counted.
    """

    query: SeriesQuery
    as_of: datetime | None
    stale: bool
    counts: list[Counts]
    complete: int


@dataclass(frozen=True, slots=True)
class TimeSeriesService:
    """Computes time series. `clock` is in milliseconds since the epoch."""

    repository: RankingRepository
    clock: Callable[[], int]
    stale_after: timedelta

    async def compute(self, query: SeriesQuery) -> TimeSeries:
        """Compute one series. Raises ClickHouseUnavailable or Misconfigured."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        site, article_id, _ = await self.repository.aliases.article(query.site, query.article_id)
        query = query._replace(site=site, article_id=article_id)
        grain, start, end = query.grain, query.start, query.end
        as_of = await self.repository.watermark()
        rows = await self.repository.timeseries(site, article_id, grain, start, end)
        counts = [Counts()] * query.length
        first, step = int(start.timestamp()), int(LENGTHS[grain].total_seconds())
        for row in rows:
            counts[(row.start - first) // step] = Counts(row.views, row.comments, row.likes)
        stale = is_stale(as_of, now, self.stale_after)
        complete = (as_of - start) // LENGTHS[grain] if as_of else 0
        return TimeSeries(query, as_of, stale, counts, max(0, min(complete, query.length)))
