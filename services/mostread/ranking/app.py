"""The ranking service put together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import msgspec
from aiohttp import web

from mostread.errors import MostreadError
from mostread.infra.clickhouse.pool import QueryPool
from mostread.infra.clock import now_ms
from mostread.infra.http.server import Check, ScrapeRegistry, new_application, new_registry
from mostread.infra.schemas import openapi
from mostread.ranking.api.articles import (
    add_article_routes,
    article_answer,
    ranks_answer,
    series_answer,
)
from mostread.ranking.api.editor_auth import Newsroom
from mostread.ranking.api.embeds import add_fragment, add_widget
from mostread.ranking.api.feeds import add_feeds
from mostread.ranking.api.lists import add_list_routes, list_answer, stale
from mostread.ranking.api.params import Defaults, ListQuery
from mostread.ranking.api.responses import Answer
from mostread.ranking.api.stream import Streams
from mostread.ranking.cache.cursors import HeldLists
from mostread.ranking.cache.swr import Snapshots
from mostread.ranking.config import RankingSettings
from mostread.ranking.metrics import Metrics, observed
from mostread.ranking.pages.article import add_article_page
from mostread.ranking.pages.decisions import add_decisions_page
from mostread.ranking.pages.list import add_page
from mostread.ranking.pages.templating import Pages
from mostread.ranking.repository import Store
from mostread.ranking.service.articles import Article, ArticleQuery, Articles
from mostread.ranking.service.facets import AllOffered
from mostread.ranking.service.lists import MostRead, MostReadLists
from mostread.ranking.service.rank_history import AllRanks, Ranks
from mostread.ranking.service.sparklines import Sparklines
from mostread.ranking.service.timeseries import AllSeries, Series, SeriesQuery

_READY_SECONDS = 5


def new_ranking(settings: RankingSettings, clock: Callable[[], int] = now_ms) -> web.Application:
    """Return the service. It connects to ClickHouse when it is first asked something.

    `clock` is in milliseconds since the epoch.
    """
    registry = new_registry()
    metrics = Metrics(registry)
    reads = QueryPool(
        settings,
        Path(__file__).parent / "sql",
        lambda name, seconds: metrics.query_seconds.labels(name).observe(seconds),
        threads=settings.ranking_clickhouse_threads,
    )
    store = Store(reads, settings.ranking_weights)
    stale_after = timedelta(seconds=settings.ranking_stale_after_seconds)
    defaults = Defaults(settings.ranking_timezone, settings.half_life)
    most_read = MostReadLists(store, clock, stale_after, settings.rules)
    one_article = Articles(store, clock, stale_after, settings.rules)
    over_time = AllSeries(store, clock, stale_after)
    by_hour = AllRanks(store, clock, stale_after)

    async def answered_list(query: ListQuery) -> Answer[MostRead]:
        return list_answer(await most_read.compute(query))

    async def answered_article(query: ArticleQuery) -> Answer[Article]:
        return article_answer(await one_article.compute(query))

    async def answered_series(query: SeriesQuery) -> Answer[Series]:
        return series_answer(await over_time.compute(query))

    async def answered_ranks(query: ArticleQuery) -> Answer[Ranks]:
        return ranks_answer(await by_hour.compute(query))

    capacity = settings.ranking_cache_size
    lists = Snapshots("list", answered_list, stale(list_answer), metrics, capacity=capacity)
    articles = Snapshots(
        "article", answered_article, stale(article_answer), metrics, capacity=capacity
    )
    series = Snapshots("series", answered_series, stale(series_answer), metrics, capacity=capacity)
    ranks = Snapshots("ranks", answered_ranks, stale(ranks_answer), metrics, capacity=capacity)
    held = HeldLists(most_read, capacity=settings.ranking_max_cursors)
    streams = Streams(
        lists.get,
        metrics,
        clients=settings.ranking_max_stream_clients,
        lists=settings.ranking_max_stream_lists,
    )

    measured = ScrapeRegistry(registry, _counted(store, metrics))

    async def close(_: web.Application) -> AsyncIterator[None]:
        yield
        await measured.close()
        await asyncio.to_thread(reads.close)

    app = new_application(
        checks={"clickhouse": _clickhouse(store)}, registry=measured, openapi=openapi("ranking")
    )
    # Outermost, so that it sees the status that an error became.
    app.middlewares.insert(0, observed(metrics))
    app.cleanup_ctx.append(close)
    newsroom = Newsroom(settings, metrics)
    app.cleanup_ctx.append(newsroom.follow)
    add_list_routes(app, lists, held, streams, defaults)
    add_article_routes(
        app,
        articles=articles,
        series=series,
        ranks=ranks,
        store=store,
        newsroom=newsroom,
        clock=clock,
    )
    add_feeds(
        app,
        lists,
        defaults,
        public_url=settings.ranking_public_url,
        home_url=settings.ranking_home_url,
    )
    add_fragment(app, lists, defaults)
    add_widget(app)
    pages = Pages(newsroom)
    add_article_page(
        app, pages, articles=articles, series=series, ranks=ranks, defaults=defaults, clock=clock
    )
    add_decisions_page(app, pages, store=store, newsroom=newsroom, defaults=defaults)
    add_page(
        app,
        pages,
        lists=lists,
        offers=AllOffered(store, clock),
        sparklines=Sparklines(store, clock),
        defaults=defaults,
        clock=clock,
        quarantines=settings.rules.quarantines,
    )
    return app


def _counted(store: Store, metrics: Metrics) -> Callable[[], Awaitable[None]]:
    """Return what brings into the metrics how far the events are counted.

    The aggregators say it of themselves, and say nothing once they have stopped.
    """

    async def ask() -> None:
        # While ClickHouse is away what was known stands, and grows old.
        with suppress(MostreadError):
            as_of, accounts = await asyncio.gather(store.counted_until(), store.accounts())
            if as_of is not None:
                metrics.as_of.set(as_of.timestamp())
            for outcome, events in msgspec.structs.asdict(accounts).items():
                metrics.progress.labels(outcome).set(events)

    return ask


def _clickhouse(store: Store) -> Check:
    async def check() -> str | None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await store.check_applied()
        except TimeoutError:
            return f"no answer within {_READY_SECONDS} s"
        except MostreadError as error:
            return str(error)
        return None

    return check
