"""Compute the counts of articles that a page names."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mostread.core.ranking.query_plan import row_weights
from mostread.core.ranking.windows import Window, resolve
from mostread.ranking.queries import CountsQuery
from mostread.ranking.repository import Counts, RankingRepository
from mostread.ranking.service.lists import is_stale


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ArticleCounts:
    """The counts of articles in a window at one moment, all of them zero for unknown articles."""

    query: CountsQuery
    window: Window
    as_of: datetime | None
    stale: bool
    counts: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class CountsService:
    """Computes counts. `clock` is in milliseconds since the epoch."""

    repository: RankingRepository
    clock: Callable[[], int]
    stale_after: timedelta

    async def compute(self, query: CountsQuery) -> ArticleCounts:
        """Compute the counts of articles. Raises ClickHouseUnavailable or Misconfigured."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        window = resolve(query.window, now, ZoneInfo(query.tz or "UTC"))
        as_of = await self.repository.watermark()
        counts, withheld = await asyncio.gather(
            self.repository.window_counts(query.site, query.articles, row_weights(window, now)),
            self.repository.withheld(query.site, query.articles, now, unlisted=False),
        )
        public = {
            article_id: Counts() if article_id in withheld else counts.get(article_id, Counts())
            for article_id in query.articles
        }
        return ArticleCounts(query, window, as_of, is_stale(as_of, now, self.stale_after), public)
