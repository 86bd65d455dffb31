"""Where an article stood hour by hour, by the views of the 24 hours before alone."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.windows import HOUR
from mostread.ranking.cache.memo import Remembered
from mostread.ranking.repository import Store
from mostread.ranking.service.articles import ArticleQuery
from mostread.ranking.service.lists import is_stale

HOURS = 48
LENGTH = 24
FURTHEST = 1000
"""So many ranks are told of each hour."""

_KEPT = 50


@dataclass(frozen=True, slots=True)
class Ranks:
    """The rank at the end of each of the last HOURS hours that are counted whole, up to `last`.

    None stands where the article was not among the FURTHEST first, or was not read.
    """

    query: ArticleQuery
    as_of: datetime | None
    stale: bool
    known: bool
    last: datetime
    ranks: tuple[int | None, ...]

    @property
    def ends(self) -> list[datetime]:
        """The moments of the ranks."""
        return [self.last - n * HOUR for n in reversed(range(HOURS))]


class AllRanks:
    """Computes those of a whole site once an hour, when first asked. `clock` is in milliseconds."""

    def __init__(self, store: Store, clock: Callable[[], int], stale_after: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._stale_after = stale_after
        self._kept = Remembered(self._of_site, capacity=_KEPT)

    async def compute(self, query: ArticleQuery) -> Ranks:
        """Raise ClickHouseUnavailable or Misconfigured where it cannot be computed."""
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        site, article_id = query
        as_of = await self._store.counted_until()
        # An hour counts when every event of it is counted, however far behind the counting is.
        last = (as_of or now).replace(minute=0, second=0, microsecond=0)
        ranks, described, totals = await asyncio.gather(
            self._kept.get((site, last)),
            self._store.described(site, [article_id]),
            self._store.totals(site, [article_id]),
        )
        return Ranks(
            query,
            as_of,
            is_stale(as_of, now, self._stale_after),
            bool(described or totals),
            last,
            tuple(rank or None for rank in ranks.get(article_id, [0] * HOURS)),
        )

    async def _of_site(self, key: tuple[str, datetime]) -> Mapping[str, list[int]]:
        site, last = key
        return await self._store.ranks(
            site, last - (HOURS + LENGTH - 1) * HOUR, hours=HOURS, length=LENGTH, ranks=FURTHEST
        )
