"""HTTP client of the demo: the running system as a frontend, a CMS and a reader use it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import aiohttp
import msgspec

from mostread.core.events import Event
from mostread.devstack.demo.scenario import SITE, DemoArticle, DemoCounts
from mostread.devstack.ports import Ports
from mostread.errors import MostreadError, Unavailable
from mostread.ops.loadgen.runner import HttpSender

BATCH = 1000
LIMIT = 100
"""The most events per collector request, and items per ranking request."""

T = TypeVar("T")


class DemoWindow(msgspec.Struct, frozen=True):
    """`start` inclusive, `end` exclusive."""

    start: datetime
    end: datetime


class DemoItem(msgspec.Struct, frozen=True):
    """An article in the list."""

    rank: int
    article_id: str
    title: str
    window: DemoCounts
    total: DemoCounts


class DemoRanking(msgspec.Struct, frozen=True):
    """The list; it counts every event received up to `as_of`."""

    window: DemoWindow
    as_of: datetime | None
    items: list[DemoItem]


class DemoArticleState(msgspec.Struct, frozen=True):
    """Publication time and totals of an article."""

    published_at: datetime | None = None
    total: DemoCounts = DemoCounts()


class DemoApi:
    """The collector and the ranking service on `ports`."""

    def __init__(self, session: aiohttp.ClientSession, ports: Ports) -> None:
        self.sender = HttpSender(session, f"http://127.0.0.1:{ports.collector}")
        self._session = session
        self._articles = f"http://127.0.0.1:{ports.collector}/v1/articles"
        self._ranking = f"http://127.0.0.1:{ports.ranking}/v1"

    async def describe(self, article: DemoArticle, at_ms: int, token: str) -> None:
        """Publish an article, as a CMS does."""
        async with self._session.put(
            f"{self._articles}/{article.article_id}",
            params={"site": SITE},
            json=article.description(at_ms),
            headers={"Authorization": f"Bearer {token}"},
        ) as response:
            if response.status != 200:
                raise _unexpected(response, await response.text())

    async def send(self, events: Sequence[Event]) -> None:
        """Send events in order; return when Kafka has acknowledged all of them."""
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            outcome = await self.sender.send(batch)
            if outcome.accepted != len(batch):
                raise MostreadError(f"{outcome.accepted} of {len(batch)} events were accepted")

    async def most_read(self) -> DemoRanking:
        """Return the list of the last 24 hours. Raises Unavailable."""
        # Includes quarantined articles, since all ten are checked.
        address = f"{self._ranking}/most-read?site={SITE}&window=24h&limit={LIMIT}&quarantined=1"
        async with self._session.get(address) as response:
            if response.status != 200:
                raise _unexpected(response, await response.text())
            return msgspec.json.decode(await response.read(), type=DemoRanking)

    async def article(self, article: DemoArticle) -> DemoArticleState:
        """Return the state of an article, an empty one if unknown. Raises Unavailable."""
        address = f"{self._ranking}/articles/{article.article_id}?site={SITE}"
        async with self._session.get(address) as response:
            if response.status == 404:
                return DemoArticleState()
            if response.status != 200:
                raise _unexpected(response, await response.text())
            return msgspec.json.decode(await response.read(), type=DemoArticleState)


async def poll(goal: str, probe: Callable[[], Awaitable[T | None]], seconds: float = 60) -> T:
    """Call `probe` until it returns a value. Raises Unavailable, naming `goal`, on timeout."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    result = await probe()
                except (Unavailable, aiohttp.ClientConnectionError):
                    result = None  # a service that is restarting
                if result is not None:
                    return result
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise Unavailable(f"{goal}: not within {seconds:g} s") from error


def _unexpected(response: aiohttp.ClientResponse, text: str) -> MostreadError:
    kind = Unavailable if response.status >= 500 else MostreadError
    return kind(f"{response.method} {response.url} was answered {response.status}: {text[:300]}")
