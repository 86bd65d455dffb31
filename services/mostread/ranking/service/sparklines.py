"""How the articles of one page were read in each of the last 24 hours, as small lines."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.windows import HOUR
from mostread.errors import MostreadError
from mostread.ranking.cache.memo import Remembered
from mostread.ranking.repository import Store

HOURS = 24
WIDTH, HEIGHT = 92, 20

_KEPT = 100
_PATIENCE_SECONDS = 1.0
_MINUTE_MS = 60_000
_Key = tuple[str, frozenset[str], int]


class Sparklines:
    """Asks once for all articles of a page, and again once a minute. `clock` is in milliseconds."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._kept = Remembered(self._compute, capacity=_KEPT)

    async def get(self, site: str, articles: Collection[str]) -> Mapping[str, str]:
        """Return the points of an SVG polyline by article; nothing where it cannot be had soon."""
        if not articles:
            return {}
        key = (site, frozenset(articles), self._clock() // _MINUTE_MS)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._kept.get(key)
        except (MostreadError, TimeoutError):
            return {}

    async def _compute(self, key: _Key) -> Mapping[str, str]:
        site, articles, minute = key
        now = datetime.fromtimestamp(minute * 60, UTC)
        end = now.replace(minute=0) + HOUR
        start = end - timedelta(hours=HOURS)
        views = {article_id: [0] * HOURS for article_id in articles}
        for row in await self._store.views_by_hour(site, articles, start, end):
            views[row.article_id][(row.start - int(start.timestamp())) // 3600] = row.views
        return {article_id: points(hours) for article_id, hours in views.items()}


def points(numbers: list[int]) -> str:
    """Return numbers as a line over WIDTH and HEIGHT, the largest at the top: 0,19 4,1 ..."""
    largest = max(*numbers, 1)
    apart = WIDTH / (len(numbers) - 1)
    return " ".join(
        f"{n * apart:g},{HEIGHT - 1 - (HEIGHT - 2) * max(0, number) / largest:.1f}"
        for n, number in enumerate(numbers)
    )
