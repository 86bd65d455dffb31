"""Sparklines: the views of a page's articles over the window of their list, as bars."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.windows import HOUR, LIFETIME, Window
from mostread.errors import MostreadError
from mostread.ranking.cache.cache import Cache
from mostread.ranking.repository import RankingRepository
from mostread.ranking.steps import step_start

HEIGHT = 24
BAR_WIDTH = 4

_DAY = timedelta(days=1)
_LIFETIME = 30 * _DAY
_BARS = 31
"""How many bars a sparkline has at most."""

_CAPACITY = 100
_TIMEOUT_SECONDS = 1.0
_MINUTE_MS = 60_000


class Sparkline(NamedTuple):
    """Bars of one article, as SVG paths, BAR_WIDTH each by HEIGHT.

    The hour in progress, `unfinished`, is apart from the complete ones, `bars`: it is not yet
    comparable with them. All are scaled to the largest bar of the article, which is `share`
    percent of the largest bar of all articles.
    """

    bars: str
    unfinished: str
    share: float


class Bars(NamedTuple):
    """The bars of sparklines: `number` of them from `start` on, of whole hours each.

    The last one may be `unfinished`: the hour in progress.
    """

    start: datetime
    step: timedelta
    number: int
    unfinished: bool

    @property
    def width(self) -> int:
        return BAR_WIDTH * self.number


def bars_of(window: Window, now: datetime) -> Bars:
    """Return the bars for a window: hours for a day, and longer ones for longer windows.

    Shorter windows have the bars of the last 24 hours.
    """
    hour = step_start(now, "hour")
    end = min(step_start(window.end, "hour"), hour)
    length = _LIFETIME if window.name == LIFETIME else end - window.start
    if length <= _DAY:
        is_over = end < hour
        return Bars(end - _DAY, HOUR, 24 if is_over else 25, not is_over)
    step = 6 * HOUR if length <= 7 * _DAY else -(-length // (_BARS * _DAY)) * _DAY
    number = -(-length // step)
    return Bars(end - number * step, step, number, unfinished=False)


class _Key(NamedTuple):
    site: str
    articles: frozenset[str]
    bars: Bars
    minute: int


class Sparklines:
    """Caches the sparklines of a page for a minute. `clock` is in milliseconds."""

    def __init__(self, repository: RankingRepository, clock: Callable[[], int]) -> None:
        self._repository = repository
        self._clock = clock
        self._cache = Cache(self._load, capacity=_CAPACITY)

    async def get(
        self, site: str, articles: Collection[str], window: Window
    ) -> Mapping[str, Sparkline]:
        """Return the sparklines by article, or none on failure or timeout."""
        if not articles:
            return {}
        now = self._clock()
        bars = bars_of(window, datetime.fromtimestamp(now / 1000, UTC))
        key = _Key(site, frozenset(articles), bars, now // _MINUTE_MS)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await self._cache.get(key)
        except (MostreadError, TimeoutError):
            return {}

    async def _load(self, key: _Key) -> Mapping[str, Sparkline]:
        bars = key.bars
        views = {article_id: [0] * bars.number for article_id in key.articles}
        end = bars.start + bars.number * bars.step
        rows = await self._repository.views_by_step(
            key.site, key.articles, bars.start, end, step=bars.step
        )
        for row in rows:
            views[row.present_id][row.step] = row.views
        largest = max(map(max, views.values()))
        return {
            article_id: sparkline(numbers, largest, unfinished=bars.unfinished)
            for article_id, numbers in views.items()
        }


def sparkline(views: Sequence[int], largest: int, *, unfinished: bool) -> Sparkline:
    """Draw the views by bar; `largest` is that of all articles."""
    own = max(*views, 1)
    bars = [_bar(n, number / own) for n, number in enumerate(views)]
    last = bars.pop() if unfinished else ""
    return Sparkline("".join(bars), last, round(100 * own / max(largest, 1), 1))


def _bar(position: int, share: float) -> str:
    length = HEIGHT * share
    return f"M{BAR_WIDTH * position + 2} {HEIGHT}v-{length:.1f}" if length >= 0.05 else ""
