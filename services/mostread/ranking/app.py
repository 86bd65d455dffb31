"""Assemble the ranking service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from mostread.errors import MostreadError
from mostread.infra.clickhouse.pool import QueryPool
from mostread.infra.clock import now_ms
from mostread.infra.http.application import Application
from mostread.infra.http.cors import CorsPolicy
from mostread.infra.http.operations import (
    Check,
    ScrapeRegistry,
    add_operational_routes,
    new_registry,
)
from mostread.infra.schemas import openapi
from mostread.ranking.api import serializers
from mostread.ranking.api.articles import add_article_routes
from mostread.ranking.api.counts import add_counts_route
from mostread.ranking.api.deciding import DecisionService
from mostread.ranking.api.decisions import add_decisions_route
from mostread.ranking.api.embeds import add_embeds
from mostread.ranking.api.feeds import add_feeds
from mostread.ranking.api.links import add_link_routes
from mostread.ranking.api.lists import add_list_routes
from mostread.ranking.api.placements import add_placement_routes
from mostread.ranking.api.responses import AS_OF, JsonRenderer
from mostread.ranking.api.session import add_session_routes
from mostread.ranking.api.stream import StreamHub
from mostread.ranking.api.totals import add_totals_routes
from mostread.ranking.auth.access import Access
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
from mostread.ranking.pages.article import add_article_page
from mostread.ranking.pages.decisions import add_decisions_page
from mostread.ranking.pages.gate import Gate
from mostread.ranking.pages.in_force import add_in_force_page
from mostread.ranking.pages.list import add_list_page
from mostread.ranking.pages.live import add_live_pages
from mostread.ranking.pages.now import NowReader
from mostread.ranking.pages.templating import PageRenderer
from mostread.ranking.queries import ListDefaults
from mostread.ranking.ranks_repository import RanksRepository
from mostread.ranking.repository import RankingRepository
from mostread.ranking.service.article_chart import ArticleChart, ArticleChartService
from mostread.ranking.service.articles import ArticleDetails, ArticleService
from mostread.ranking.service.collector import Collector
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

_READY_TIMEOUT_SECONDS = 5

_PUBLIC = CorsPolicy(expose=f"{AS_OF}, ETag, Retry-After")
_CORS = {
    **dict.fromkeys(
        (
            "/v1/most-read",
            "/v1/stream",
            "/v1/most-read.html",
            "/feed.json",
            "/feed.xml",
            "/v1/counts",
            "/v1/totals",
            "/v1/series",
            "/v1/articles/{article_id}",
            "/v1/articles/{article_id}/series",
            "/v1/articles/{article_id}/ranks",
        ),
        _PUBLIC,
    ),
    "/widget.js": CorsPolicy(expose="Retry-After", embeddable=True),
}

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


@asynccontextmanager
async def ranking_app(
    settings: RankingSettings, clock: Callable[[], int] = now_ms
) -> AsyncIterator[Application]:
    """Yield the HTTP application, which connects to ClickHouse on the first query.

    `clock` is in milliseconds since the epoch.
    """
    registry = new_registry()
    metrics = RankingMetrics(registry)
    pool = QueryPool(
        settings,
        Path(__file__).parent / "sql",
        lambda name, seconds: metrics.query_seconds.labels(name).observe(seconds),
        threads=settings.ranking_clickhouse_threads,
    )
    repository = RankingRepository(pool, settings.ranking_weights)
    decisions = DecisionRepository(pool)
    site_repository = SiteRepository(pool)
    stale_after = timedelta(seconds=settings.ranking_stale_after_seconds)
    show_all = settings.ranking_listed == "all"
    defaults = ListDefaults(settings.ranking_timezone, settings.half_life, show_all)

    def cache(
        resource: str, load: Callable[[K], Awaitable[V]], ttl: float = TTL_SECONDS
    ) -> Cache[K, V]:
        return Cache(
            load,
            capacity=settings.ranking_cache_size,
            ttl=ttl,
            revalidate=REVALIDATE_SECONDS,
            mark_stale=_mark_stale,
            metrics=metrics.cache(resource),
        )

    list_service = ListService(
        repository,
        clock,
        stale_after,
        RankedSource(repository, settings.integrity_policy, UsualActivity(site_repository)),
        UndescribedArticles(repository, clock, metrics),
    )
    chart_service = ArticleChartService(repository, clock, stale_after)
    lists = ListReader(cache("list", list_service.compute))
    counts = cache("counts", CountsService(repository, clock, stale_after).compute)
    articles = cache(
        "article",
        ArticleService(
            repository, decisions, clock, stale_after, settings.integrity_policy
        ).compute,
    )
    series = cache("series", TimeSeriesService(repository, clock, stale_after).compute)
    ranks = cache(
        "ranks",
        RankHistoryService(
            repository, RanksRepository(pool), clock, stale_after, undescribed=show_all
        ).compute,
    )
    totals = cache(
        "totals",
        TotalsService(repository, site_repository, clock, stale_after).compute,
        SITE_TTL_SECONDS,
    )
    site_series = cache(
        "site_series",
        SiteSeriesService(repository, site_repository, clock, stale_after).compute,
        SITE_TTL_SECONDS,
    )
    cursors = CursorStore(list_service, capacity=settings.ranking_max_cursors)
    render_list = JsonRenderer(serializers.ranked_list)
    streams = StreamHub(
        metrics,
        max_clients=settings.ranking_max_stream_clients,
        max_lists=settings.ranking_max_stream_lists,
    )
    access = Access(settings, metrics, clock)
    collector = Collector(settings.ranking_collector_url, access.assertions)
    pages = PageRenderer(access)
    scrape_registry = ScrapeRegistry(registry, _progress_metrics(repository, metrics))

    app = Application(
        settings,
        cors=_CORS,
        observe=metrics.requests.observe,
        admit=Gate(access, pages).admit,
    )
    add_operational_routes(
        app,
        checks={"clickhouse": _clickhouse_check(repository)},
        registry=scrape_registry,
        openapi=openapi("ranking"),
    )
    add_list_routes(
        app,
        lists,
        render=render_list,
        cursors=cursors,
        streams=streams,
        access=access,
        defaults=defaults,
    )
    add_article_routes(
        app,
        articles=articles,
        series=series,
        ranks=ranks,
        decisions=decisions,
        access=access,
        clock=clock,
    )
    _add_editor_routes(
        app,
        pages,
        access=access,
        collector=collector,
        decisions=decisions,
        defaults=defaults,
        clock=clock,
    )
    add_counts_route(app, counts, defaults)
    add_totals_routes(app, totals=totals, series=site_series, defaults=defaults, clock=clock)
    add_embeds(app, lists, defaults)
    add_feeds(
        app,
        lists,
        defaults,
        public_url=settings.ranking_public_url,
        home_url=settings.ranking_home_url,
    )
    add_article_page(
        app,
        pages,
        articles=articles,
        charts=cache("chart", chart_service.compute),
        ranks=ranks,
        access=access,
        typical=TypicalService(TypicalRepository(pool), chart_service, clock),
        decisions=decisions,
        defaults=defaults,
        clock=clock,
    )
    sparklines = Sparklines(repository, clock)
    site_now = NowReader(totals, site_series)
    add_live_pages(
        app,
        pages,
        lists=lists,
        site_now=site_now,
        sparklines=sparklines,
        streams=streams,
        defaults=defaults,
        clock=clock,
    )
    add_list_page(
        app,
        pages,
        lists=lists,
        facets=Facets(site_repository),
        site_now=site_now,
        sparklines=sparklines,
        decisions=decisions,
        access=access,
        defaults=defaults,
        clock=clock,
        quarantines=settings.integrity_policy.quarantines,
    )
    try:
        async with access.following():
            yield app
    finally:
        await collector.close()
        await scrape_registry.close()
        await asyncio.to_thread(pool.close)


def _add_editor_routes(
    app: Application,
    pages: PageRenderer,
    *,
    access: Access,
    collector: Collector,
    decisions: DecisionRepository,
    defaults: ListDefaults,
    clock: Callable[[], int],
) -> None:
    add_session_routes(app, access)
    add_link_routes(app, access, pages)
    add_placement_routes(app, access, collector, DecisionService(collector, decisions, clock))
    add_decisions_route(app, decisions=decisions, access=access, clock=clock)
    add_decisions_page(app, pages, decisions=decisions, access=access, defaults=defaults)
    add_in_force_page(
        app, pages, decisions=decisions, access=access, defaults=defaults, clock=clock
    )


def _mark_stale(value: V) -> V:
    return replace(value, stale=True)


def _progress_metrics(
    repository: RankingRepository, metrics: RankingMetrics
) -> Callable[[], Awaitable[None]]:
    """Return the function that reads the watermark and the event outcomes from ClickHouse.

    The aggregators export them too, but not once they have stopped.
    """

    async def refresh() -> None:
        # While ClickHouse is unavailable the previous values stay.
        with suppress(MostreadError):
            as_of, outcomes = await asyncio.gather(
                repository.watermark(), repository.event_outcomes()
            )
            if as_of is not None:
                metrics.as_of.set(as_of.timestamp())
            for outcome, events in msgspec.structs.asdict(outcomes).items():
                metrics.event_outcomes.labels(outcome).set(events)

    return refresh


def _clickhouse_check(repository: RankingRepository) -> Check:
    async def check() -> str | None:
        try:
            async with asyncio.timeout(_READY_TIMEOUT_SECONDS):
                await repository.check_migrations()
        except TimeoutError:
            return f"no answer within {_READY_TIMEOUT_SECONDS} s"
        except MostreadError as error:
            return str(error)
        return None

    return check
