"""Compute the chart of an article: its counts by bin, from ten minutes to a day."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mostread.core.counting.counters import Grain
from mostread.core.ranking.query_plan import Bucket, RowWeights, row_weights
from mostread.core.ranking.windows import Window, stored
from mostread.ranking.repository import Counts, RankingRepository
from mostread.ranking.service.lists import is_stale
from mostread.ranking.service.site_series import is_complete
from mostread.ranking.site_repository import weighted_sum
from mostread.ranking.steps import StepLength, split


class ChartQuery(NamedTuple):
    """A chart: `start` inclusive, `end` exclusive, both in UTC and at the edge of a bin.

    Days are those of the zone `tz`, empty for other steps.
    """

    site: str
    article_id: str
    step: StepLength
    start: datetime
    end: datetime
    tz: str


class Bin(NamedTuple):
    """Counts in a part of the chart; until it is `complete`, events of it may be uncounted."""

    start: datetime
    end: datetime
    counts: Counts
    complete: bool


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ArticleChart:
    """The bins of a query, in their order."""

    query: ChartQuery
    as_of: datetime | None
    stale: bool
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class ArticleChartService:
    """Computes charts. `clock` is in milliseconds since the epoch."""

    repository: RankingRepository
    clock: Callable[[], int]
    stale_after: timedelta

    async def compute(self, query: ChartQuery) -> ArticleChart:
        """Compute one chart. Raises ClickHouseUnavailable or Misconfigured."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        as_of = await self.repository.watermark()
        windows = split(query.start, query.end, query.step, ZoneInfo(query.tz or "UTC"))
        planned = [(window, row_weights(stored(window, now), now)) for window in windows]
        counts = await self._rows(
            query.site, query.article_id, {bucket for _, rows in planned for bucket in rows}
        )
        bins = tuple(_bin(window, weighted_sum(counts, rows), as_of) for window, rows in planned)
        return ArticleChart(query, as_of, is_stale(as_of, now, self.stale_after), bins)

    async def views(self, site: str, article_id: str, start: datetime, end: datetime) -> int:
        """Return the views of an article in a period of whole hours."""
        rows: RowWeights = row_weights(Window("", start, end), end)
        return weighted_sum(await self._rows(site, article_id, rows), rows).views

    async def _rows(
        self, site: str, article_id: str, buckets: Iterable[Bucket]
    ) -> Mapping[Bucket, Counts]:
        """Return the counter rows of an article, of each grain from the first to the last."""
        starts: dict[Grain, list[int]] = defaultdict(list)
        for grain, start in buckets:
            starts[grain].append(start)
        series = await asyncio.gather(
            *(
                self.repository.timeseries(
                    site, article_id, grain, _time(min(each)), _time(max(each) + 1)
                )
                for grain, each in starts.items()
            )
        )
        return {
            Bucket(grain, row.start): Counts(row.views, row.comments, row.likes)
            for grain, rows in zip(starts, series, strict=True)
            for row in rows
        }


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _bin(window: Window, counts: Counts, as_of: datetime | None) -> Bin:
    return Bin(window.start, window.end, counts, is_complete(window.end, as_of))
