"""Count the articles that lists leave out because the CMS has not described them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mostread.core.ranking.query_plan import row_weights
from mostread.core.ranking.windows import Bounds, resolve
from mostread.ranking.cache.cache import Cache
from mostread.ranking.metrics import RankingMetrics
from mostread.ranking.queries import ListQuery
from mostread.ranking.repository import RankingRepository

METRIC_WINDOW = "24h"

_CAPACITY = 100
_TTL_SECONDS = 10.0
_REVALIDATE_SECONDS = 50.0


class UndescribedArticles:
    """Caches their number per site and window. `clock` is in milliseconds since the epoch."""

    def __init__(
        self, repository: RankingRepository, clock: Callable[[], int], metrics: RankingMetrics
    ) -> None:
        self._repository = repository
        self._clock = clock
        self._metrics = metrics
        self._cache = Cache(
            self._load, capacity=_CAPACITY, ttl=_TTL_SECONDS, revalidate=_REVALIDATE_SECONDS
        )

    async def left_out(self, query: ListQuery) -> int:
        """Return how many of them have views in the window of a list and are not in it.

        Raises ClickHouseUnavailable or Misconfigured.
        """
        if query.undescribed:
            return 0
        return await self._cache.get((query.site, query.window, query.tz, query.bounds))

    async def _load(self, key: tuple[str, str, str | None, Bounds | None]) -> int:
        site, name, tz, bounds = key
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        window = resolve(name, now, ZoneInfo(tz or "UTC"), bounds)
        articles = await self._repository.undescribed(site, row_weights(window, now))
        if name == METRIC_WINDOW:
            self._export(site, articles)
        return articles

    def _export(self, site: str, articles: int) -> None:
        gauge = self._metrics.undescribed
        if articles:
            gauge.labels(site).set(articles)
        else:
            # A request for a site that does not exist must not create a time series.
            with suppress(KeyError):
                gauge.remove(site)
