"""The ranking service: its HTTP application, from its resources and routes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from mostread.errors import MostreadError
from mostread.infra import request_id
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
from mostread.ranking.config import RankingSettings
from mostread.ranking.metrics import RankingMetrics
from mostread.ranking.pages.article import add_article_page
from mostread.ranking.pages.decisions import add_decisions_page
from mostread.ranking.pages.gate import Gate
from mostread.ranking.pages.in_force import add_in_force_page
from mostread.ranking.pages.list import add_list_page
from mostread.ranking.pages.live import add_live_pages
from mostread.ranking.pages.templating import PageRenderer
from mostread.ranking.repository import RankingRepository
from mostread.ranking.resources import Resources
from mostread.ranking.service.collector import Collector

_READY_TIMEOUT_SECONDS = 5

_PUBLIC = CorsPolicy(expose=f"{AS_OF}, ETag, Retry-After, {request_id.HEADER}")
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


@asynccontextmanager
async def ranking_app(
    settings: RankingSettings, clock: Callable[[], int] = now_ms
) -> AsyncIterator[Application]:
    """Yield the HTTP application, which connects to ClickHouse on the first query.

    `clock` is in milliseconds since the epoch.
    """
    registry = new_registry(settings.revision)
    metrics = RankingMetrics(registry)
    resources = Resources(settings, metrics, clock)
    repository = resources.repository
    access = Access(settings, metrics, clock)
    collector = Collector(settings.ranking_collector_url, access.assertions)
    pages = PageRenderer(access)
    scrape_registry = ScrapeRegistry(registry, _progress_metrics(repository, metrics))
    streams = StreamHub(
        metrics,
        max_clients=settings.ranking_max_stream_clients,
        max_lists=settings.ranking_max_stream_lists,
    )

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
    _add_api(app, resources, access=access, streams=streams, clock=clock)
    add_feeds(
        app,
        resources.lists,
        resources.defaults,
        public_url=settings.ranking_public_url,
        home_url=settings.ranking_home_url,
    )
    _add_editor_routes(app, resources, pages, access=access, collector=collector, clock=clock)
    _add_pages(
        app,
        resources,
        pages,
        access=access,
        streams=streams,
        clock=clock,
        quarantines=settings.integrity_policy.quarantines,
    )
    try:
        async with access.following():
            yield app
    finally:
        await collector.close()
        await scrape_registry.close()
        await resources.close()


def _add_api(
    app: Application,
    resources: Resources,
    *,
    access: Access,
    streams: StreamHub,
    clock: Callable[[], int],
) -> None:
    defaults = resources.defaults
    add_list_routes(
        app,
        resources.lists,
        files=resources.list_files,
        render=JsonRenderer(serializers.ranked_list),
        cursors=resources.cursors,
        streams=streams,
        access=access,
        defaults=defaults,
    )
    add_article_routes(
        app,
        articles=resources.articles,
        series=resources.series,
        ranks=resources.ranks,
        decisions=resources.decisions,
        access=access,
        clock=clock,
    )
    add_counts_route(app, resources.counts, defaults)
    add_totals_routes(
        app,
        totals=resources.totals,
        series=resources.site_series,
        defaults=defaults,
        clock=clock,
    )
    add_embeds(app, resources.lists, defaults)


def _add_editor_routes(
    app: Application,
    resources: Resources,
    pages: PageRenderer,
    *,
    access: Access,
    collector: Collector,
    clock: Callable[[], int],
) -> None:
    decisions, defaults = resources.decisions, resources.defaults
    add_session_routes(app, access, pages)
    add_link_routes(app, access, pages)
    add_placement_routes(app, access, collector, DecisionService(collector, decisions, clock))
    add_decisions_route(app, decisions=decisions, access=access, clock=clock)
    add_decisions_page(app, pages, decisions=decisions, access=access, defaults=defaults)
    add_in_force_page(
        app, pages, decisions=decisions, access=access, defaults=defaults, clock=clock
    )


def _add_pages(
    app: Application,
    resources: Resources,
    pages: PageRenderer,
    *,
    access: Access,
    streams: StreamHub,
    clock: Callable[[], int],
    quarantines: bool,
) -> None:
    add_article_page(
        app,
        pages,
        articles=resources.articles,
        charts=resources.charts,
        ranks=resources.ranks,
        access=access,
        typical=resources.typical,
        decisions=resources.decisions,
        defaults=resources.defaults,
        clock=clock,
    )
    add_live_pages(
        app,
        pages,
        lists=resources.lists,
        site_now=resources.site_now,
        sparklines=resources.sparklines,
        streams=streams,
        defaults=resources.defaults,
        clock=clock,
    )
    add_list_page(
        app,
        pages,
        lists=resources.lists,
        facets=resources.facets,
        site_now=resources.site_now,
        sparklines=resources.sparklines,
        decisions=resources.decisions,
        access=access,
        defaults=resources.defaults,
        clock=clock,
        quarantines=quarantines,
    )


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
                metrics.event_outcomes.set(outcome, events)

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
