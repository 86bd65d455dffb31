"""Compute rank histories: an article's rank by hour, by the views of the preceding 24 hours."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.windows import HOUR
from mostread.ranking.cache.cache import Cache
from mostread.ranking.queries import ArticleQuery
from mostread.ranking.repository import RankingRepository
from mostread.ranking.service.lists import is_stale

HOURS = 48
LENGTH = 24
MAX_RANK = 1000
"""Ranks below it are not recorded."""

_CACHED_SITES = 50


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class RankHistory:
    """Ranks at the ends of the last HOURS complete hours, up to `last`.

    A rank is None if the article was not among the first MAX_RANK, or had no views.
    """

    query: ArticleQuery
    as_of: datetime | None
    stale: bool
    known: bool
    last: datetime
    ranks: tuple[int | None, ...]

    @property
    def ends(self) -> list[datetime]:
        """The times of the ranks."""
        return [self.last - n * HOUR for n in reversed(range(HOURS))]


class RankHistoryService:
    """Computes the ranks of a whole site once an hour. `clock` is in milliseconds."""

    def __init__(
        self,
        repository: RankingRepository,
        clock: Callable[[], int],
        stale_after: timedelta,
        *,
        undescribed: bool,
    ) -> None:
        self._repository = repository
        self._clock = clock
        self._stale_after = stale_after
        self._undescribed = undescribed
        self._sites = Cache(self._load_site, capacity=_CACHED_SITES)

    async def compute(self, query: ArticleQuery) -> RankHistory:
        """Compute one article's history. Raises ClickHouseUnavailable or Misconfigured."""
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        site, article_id = query
        as_of = await self._repository.watermark()
        # The last hour of which every event is counted, even if counting is far behind.
        last = (as_of or now).replace(minute=0, second=0, microsecond=0)
        ranks, metadata, totals = await asyncio.gather(
            self._sites.get((site, last)),
            self._repository.metadata(site, [article_id]),
            self._repository.totals(site, [article_id]),
        )
        return RankHistory(
            query,
            as_of,
            is_stale(as_of, now, self._stale_after),
            bool(metadata or totals),
            last,
            tuple(rank or None for rank in ranks.get(article_id, [0] * HOURS)),
        )

    async def _load_site(self, key: tuple[str, datetime]) -> Mapping[str, list[int]]:
        site, last = key
        return await self._repository.rank_history(
            site,
            last - (HOURS + LENGTH - 1) * HOUR,
            hours=HOURS,
            length=LENGTH,
            ranks=MAX_RANK,
            undescribed=self._undescribed,
        )
