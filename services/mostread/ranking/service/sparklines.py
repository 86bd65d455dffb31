"""Sparklines: the hourly views of a page's articles over the last 24 hours, as bars."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.windows import HOUR
from mostread.errors import MostreadError
from mostread.ranking.cache.cache import Cache
from mostread.ranking.repository import RankingRepository

HOURS = 24
"""Complete hours of a sparkline; the hour in progress follows them."""

WIDTH, HEIGHT = 4 * (HOURS + 1), 24

_CAPACITY = 100
_TIMEOUT_SECONDS = 1.0
_MINUTE_MS = 60_000
_Key = tuple[str, frozenset[str], int]


class Sparkline(NamedTuple):
    """Bars of one article, as SVG paths of WIDTH by HEIGHT.

    The hour in progress, `unfinished`, is apart from the complete ones, `bars`: it is not yet
    comparable with them. All are scaled to the largest hour of the article, which is `share`
    percent of the largest hour of all articles.
    """

    bars: str
    unfinished: str
    share: float


class Sparklines:
    """Caches the sparklines of a page for a minute. `clock` is in milliseconds."""

    def __init__(self, repository: RankingRepository, clock: Callable[[], int]) -> None:
        self._repository = repository
        self._clock = clock
        self._cache = Cache(self._load, capacity=_CAPACITY)

    async def get(self, site: str, articles: Collection[str]) -> Mapping[str, Sparkline]:
        """Return the sparklines by article, or none on failure or timeout."""
        if not articles:
            return {}
        key = (site, frozenset(articles), self._clock() // _MINUTE_MS)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await self._cache.get(key)
        except (MostreadError, TimeoutError):
            return {}

    async def _load(self, key: _Key) -> Mapping[str, Sparkline]:
        site, articles, minute = key
        now = datetime.fromtimestamp(minute * 60, UTC)
        end = now.replace(minute=0) + HOUR
        start = end - timedelta(hours=HOURS + 1)
        views = {article_id: [0] * (HOURS + 1) for article_id in articles}
        for row in await self._repository.hourly_views(site, articles, start, end):
            views[row.article_id][(row.start - int(start.timestamp())) // 3600] = row.views
        largest = max(map(max, views.values()))
        return {article_id: sparkline(hours, largest) for article_id, hours in views.items()}


def sparkline(hours: Sequence[int], largest: int) -> Sparkline:
    """Draw the views by hour, the hour in progress last. `largest` is that of all articles."""
    own = max(*hours, 1)
    bars = [_bar(n, views / own) for n, views in enumerate(hours)]
    return Sparkline("".join(bars[:-1]), bars[-1], round(100 * own / max(largest, 1), 1))


def _bar(position: int, share: float) -> str:
    length = HEIGHT * share
    return f"M{4 * position + 2} {HEIGHT}v-{length:.1f}" if length >= 0.05 else ""
