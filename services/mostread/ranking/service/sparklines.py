"""Sparklines: the hourly views of a page's articles over the last 24 hours."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.windows import HOUR
from mostread.errors import MostreadError
from mostread.ranking.cache.cache import Cache
from mostread.ranking.repository import RankingRepository

HOURS = 24
WIDTH, HEIGHT = 92, 20

_CAPACITY = 100
_TIMEOUT_SECONDS = 1.0
_MINUTE_MS = 60_000
_Key = tuple[str, frozenset[str], int]


class Sparklines:
    """Caches the sparklines of a page for a minute. `clock` is in milliseconds."""

    def __init__(self, repository: RankingRepository, clock: Callable[[], int]) -> None:
        self._repository = repository
        self._clock = clock
        self._cache = Cache(self._load, capacity=_CAPACITY)

    async def get(self, site: str, articles: Collection[str]) -> Mapping[str, str]:
        """Return the points of an SVG polyline by article, or none on failure or timeout."""
        if not articles:
            return {}
        key = (site, frozenset(articles), self._clock() // _MINUTE_MS)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await self._cache.get(key)
        except (MostreadError, TimeoutError):
            return {}

    async def _load(self, key: _Key) -> Mapping[str, str]:
        site, articles, minute = key
        now = datetime.fromtimestamp(minute * 60, UTC)
        end = now.replace(minute=0) + HOUR
        start = end - timedelta(hours=HOURS)
        views = {article_id: [0] * HOURS for article_id in articles}
        for row in await self._repository.hourly_views(site, articles, start, end):
            views[row.article_id][(row.start - int(start.timestamp())) // 3600] = row.views
        return {article_id: points(hours) for article_id, hours in views.items()}


def points(numbers: list[int]) -> str:
    """Scale numbers to a polyline of WIDTH by HEIGHT, the largest at the top: 0,19 4,1 ..."""
    largest = max(*numbers, 1)
    step = WIDTH / (len(numbers) - 1)
    return " ".join(
        f"{n * step:g},{HEIGHT - 1 - (HEIGHT - 2) * max(0, number) / largest:.1f}"
        for n, number in enumerate(numbers)
    )
