"""Compute rank histories: an article's rank by hour, by the views of the preceding 24 hours."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.windows import HOUR
from mostread.ranking.cache.cache import Cache
from mostread.ranking.queries import ArticleQuery
from mostread.ranking.ranks_repository import RanksRepository, RanksRow
from mostread.ranking.repository import RankingRepository
from mostread.ranking.service.lists import is_stale

HOURS = 48
LENGTH = 24
MAX_RANK = 1000
"""Ranks below it are not recorded."""

_CACHED_SITES = 50


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class RankHistory:
    """Ranks at the ends of the last HOURS complete hours, up to `last`, of lists of `lengths`.

    A rank is None if the article was not among the first MAX_RANK, or had no views. The length is
    0 then.
    """

    query: ArticleQuery
    as_of: datetime | None
    stale: bool
    last: datetime
    ranks: tuple[int | None, ...]
    lengths: tuple[int, ...]

    @property
    def ends(self) -> list[datetime]:
        """The times of the ranks."""
        return [self.last - n * HOUR for n in reversed(range(HOURS))]


class RankHistoryService:
    """Computes the ranks of a whole site once an hour, and after each decision.

    Past ranks are those by the decisions in force now, like `previous_rank` of a list. `clock` is
    in milliseconds.
    """

    def __init__(
        self,
        repository: RankingRepository,
        ranks: RanksRepository,
        clock: Callable[[], int],
        stale_after: timedelta,
        *,
        undescribed: bool,
    ) -> None:
        self._repository = repository
        self._ranks = ranks
        self._clock = clock
        self._stale_after = stale_after
        self._undescribed = undescribed
        self._sites = Cache(self._load_site, capacity=_CACHED_SITES)

    async def compute(self, query: ArticleQuery) -> RankHistory:
        """Compute one article's history. Raises ClickHouseUnavailable or Misconfigured."""
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        site, article_id = query
        as_of, decision = await asyncio.gather(
            self._repository.watermark(), self._ranks.latest_decision(site)
        )
        # The last hour of which every event is counted, even if counting is far behind.
        last = (as_of or now).replace(minute=0, second=0, microsecond=0)
        ranked = (await self._sites.get((site, last, decision))).get(article_id)
        return RankHistory(
            query,
            as_of,
            is_stale(as_of, now, self._stale_after),
            last,
            tuple(rank or None for rank in ranked.ranks) if ranked else (None,) * HOURS,
            tuple(ranked.lengths) if ranked else (0,) * HOURS,
        )

    async def _load_site(self, key: tuple[str, datetime, int]) -> Mapping[str, RanksRow]:
        site, last, _ = key
        return await self._ranks.rank_history(
            site,
            last - (HOURS + LENGTH - 1) * HOUR,
            now=self._clock(),
            hours=HOURS,
            length=LENGTH,
            ranks=MAX_RANK,
            undescribed=self._undescribed,
        )
