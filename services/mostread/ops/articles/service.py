"""The service of `mostread articles sync`, and reading all feeds once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing

import aiohttp

from mostread.errors import MostreadError
from mostread.infra.http.application import Application
from mostread.infra.http.connections import Endpoint
from mostread.infra.http.operations import add_operational_routes, new_registry
from mostread.infra.http.server import serving, stop_signal
from mostread.infra.logging import get_logger
from mostread.ops.articles.config import ArticlesSettings, SourceFeed
from mostread.ops.articles.fetcher import Fetcher
from mostread.ops.articles.metrics import ArticlesMetrics
from mostread.ops.articles.moves import ItemMemory
from mostread.ops.articles.publisher import ArticlePublisher
from mostread.ops.articles.sync import FeedReader, FeedReport, SiteSchedule, new_readers

log = get_logger(__name__)


@asynccontextmanager
async def reading(
    settings: ArticlesSettings, feeds: Sequence[SourceFeed]
) -> AsyncIterator[dict[str, list[FeedReader]]]:
    """Yield readers of feeds by site. Raises Misconfigured without a token."""
    # Two sessions: no cookie of a feed's server may reach the collector, nor a token the feeds.
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as web,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as collector,
    ):
        fetcher = Fetcher(
            web,
            seconds=settings.articles_timeout_seconds,
            max_bytes=settings.articles_max_bytes,
        )
        publisher = ArticlePublisher(collector, settings)
        with closing(ItemMemory(settings.articles_state_file)) as memory:
            yield new_readers(settings, feeds, fetcher, publisher, memory)


async def read_once(
    settings: ArticlesSettings, feeds: Sequence[SourceFeed]
) -> list[tuple[SourceFeed, FeedReport | MostreadError]]:
    """Read each feed once; return the outcomes in order."""
    outcomes: list[tuple[SourceFeed, FeedReport | MostreadError]] = []
    async with reading(settings, feeds) as sites:
        for reader in (reader for readers in sites.values() for reader in readers):
            try:
                outcomes.append((reader.feed, await reader.read()))
            except MostreadError as error:
                outcomes.append((reader.feed, error))
    return outcomes


async def serve(settings: ArticlesSettings, feeds: Sequence[SourceFeed]) -> None:
    """Read all feeds regularly until a signal."""
    stop = stop_signal()
    registry = new_registry(settings.revision)
    metrics = ArticlesMetrics(registry)
    async with reading(settings, feeds) as sites:
        for feed in feeds:
            metrics.start(feed)
        readers = [reader for readers in sites.values() for reader in readers]

        async def check_feeds() -> str | None:
            failing = [f"{each.feed.name}: {each.error}" for each in readers if each.error]
            return "; ".join(failing) or None

        app = Application(settings)
        add_operational_routes(app, checks={"feeds": check_feeds}, registry=registry)
        endpoint = Endpoint(
            settings.articles_host, settings.articles_port, "MOSTREAD_ARTICLES_PORT"
        )
        async with serving(app, endpoint, settings), asyncio.TaskGroup() as tasks:
            reading_tasks = [
                tasks.create_task(
                    SiteSchedule(each, metrics, settings.articles_interval_seconds).run()
                )
                for each in sites.values()
            ]
            await stop.wait()
            for task in reading_tasks:
                task.cancel()
    log.info("stopped")
