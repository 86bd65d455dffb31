"""Resources of the routes: repositories, and caches of the results that services compute."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.aliases import AliasRepository
from mostread.ranking.api.list_files import ListFiles
from mostread.ranking.cache.cache import (
    REVALIDATE_SECONDS,
    SITE_TTL_SECONDS,
    TTL_SECONDS,
    Cache,
)
from mostread.ranking.cache.cursors import CursorStore
from mostread.ranking.config import RankingSettings
from mostread.ranking.decisions_repository import DecisionRepository
from mostread.ranking.metrics import RankingMetrics
from mostread.ranking.pages.now import NowReader
from mostread.ranking.queries import ListDefaults
from mostread.ranking.ranks_repository import RanksRepository
from mostread.ranking.repository import RankingRepository
from mostread.ranking.service.article_chart import ArticleChart, ArticleChartService
from mostread.ranking.service.articles import ArticleDetails, ArticleService
from mostread.ranking.service.counts import ArticleCounts, CountsService
from mostread.ranking.service.facets import Facets
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.lists import ListService, RankedList
from mostread.ranking.service.rank_history import RankHistory, RankHistoryService
from mostread.ranking.service.ranked_source import RankedSource
from mostread.ranking.service.site_series import SiteSeries, SiteSeriesService
from mostread.ranking.service.sparklines import Sparklines
from mostread.ranking.service.timeseries import TimeSeries, TimeSeriesService
from mostread.ranking.service.totals import Totals, TotalsService
from mostread.ranking.service.typical import TypicalService
from mostread.ranking.service.undescribed import UndescribedArticles
from mostread.ranking.service.usual import UsualActivity
from mostread.ranking.site_repository import SiteRepository
from mostread.ranking.typical_repository import TypicalRepository

K = TypeVar("K", bound=Hashable)
V = TypeVar(
    "V",
    RankedList,
    ArticleCounts,
    ArticleDetails,
    ArticleChart,
    TimeSeries,
    RankHistory,
    Totals,
    SiteSeries,
)


class Resources:
    """The resources of one process, which connect to ClickHouse on the first query."""

    def __init__(
        self, settings: RankingSettings, metrics: RankingMetrics, clock: Callable[[], int]
    ) -> None:
        """Assemble them; `clock` is in milliseconds since the epoch."""
        self._settings = settings
        self._metrics = metrics
        self._pool = pool = QueryPool(
            settings,
            Path(__file__).parent / "sql",
            lambda name, seconds: metrics.query_seconds.labels(name).observe(seconds),
            threads=settings.ranking_clickhouse_threads,
        )
        policy = settings.integrity_policy
        stale_after = timedelta(seconds=settings.ranking_stale_after_seconds)
        show_all = settings.ranking_listed == "all"
        self.defaults = ListDefaults(settings.ranking_timezone, settings.half_life, show_all)

        self.aliases = aliases = AliasRepository(pool)
        self.repository = repository = RankingRepository(pool, settings.ranking_weights, aliases)
        self.decisions = DecisionRepository(pool, aliases)
        sites = SiteRepository(pool, aliases)
        list_service = ListService(
            repository,
            clock,
            stale_after,
            RankedSource(repository, policy, UsualActivity(sites)),
            UndescribedArticles(repository, clock, metrics),
        )
        self.lists = ListReader(self._cache("list", list_service.compute), aliases.members)
        self.list_files = ListFiles(list_service)
        self.cursors = CursorStore(list_service, capacity=settings.ranking_max_cursors)
        self.counts = self._cache("counts", CountsService(repository, clock, stale_after).compute)
        self.articles = self._cache(
            "article",
            ArticleService(repository, self.decisions, clock, stale_after, policy).compute,
        )
        self.series = self._cache(
            "series", TimeSeriesService(repository, clock, stale_after).compute
        )
        self.ranks = self._cache(
            "ranks",
            RankHistoryService(
                repository, RanksRepository(pool, aliases, show_all), clock, stale_after
            ).compute,
        )
        charts = ArticleChartService(repository, clock, stale_after)
        self.charts = self._cache("chart", charts.compute)
        self.typical = TypicalService(TypicalRepository(pool, aliases), charts, clock)
        self.totals = self._cache(
            "totals", TotalsService(repository, sites, clock, stale_after).compute, SITE_TTL_SECONDS
        )
        self.site_series = self._cache(
            "site_series",
            SiteSeriesService(repository, sites, clock, stale_after).compute,
            SITE_TTL_SECONDS,
        )
        self.site_now = NowReader(self.totals, self.site_series)
        self.facets = Facets(sites, undescribed=show_all)
        self.sparklines = Sparklines(repository, clock)

    async def close(self) -> None:
        """Close the connections to ClickHouse."""
        await asyncio.to_thread(self._pool.close)

    def _cache(
        self, resource: str, load: Callable[[K], Awaitable[V]], ttl: float = TTL_SECONDS
    ) -> Cache[K, V]:
        return Cache(
            load,
            capacity=self._settings.ranking_cache_size,
            ttl=ttl,
            revalidate=REVALIDATE_SECONDS,
            mark_stale=_mark_stale,
            metrics=self._metrics.cache(resource),
        )


def _mark_stale(value: V) -> V:
    return replace(value, stale=True)
