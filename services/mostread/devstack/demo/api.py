"""The running system as a frontend, a CMS and a reader meet it: over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import aiohttp
import msgspec

from mostread.core.events import Event
from mostread.devstack.demo.scenario import SITE, Article, Counts
from mostread.devstack.ports import Ports
from mostread.errors import MostreadError, Unavailable
from mostread.ops.loadgen.runner import HttpSender

BATCH = 1000
LIMIT = 100
"""As much as the collector takes in one request, and the ranking lists in one."""

T = TypeVar("T")


class Window(msgspec.Struct, frozen=True):
    """`start` inclusive, `end` exclusive."""

    start: datetime
    end: datetime


class Item(msgspec.Struct, frozen=True):
    """An article in the list."""

    rank: int
    article_id: str
    title: str
    window: Counts
    total: Counts


class MostRead(msgspec.Struct, frozen=True):
    """The list; every event received up to `as_of` is counted in it."""

    window: Window
    as_of: datetime | None
    items: list[Item]


class Known(msgspec.Struct, frozen=True):
    """What is known of an article."""

    published_at: datetime | None = None
    total: Counts = Counts()


class Site:
    """The collector and the ranking service on `ports`."""

    def __init__(self, session: aiohttp.ClientSession, ports: Ports) -> None:
        self.sender = HttpSender(session, f"http://127.0.0.1:{ports.collector}")
        self._session = session
        self._articles = f"http://127.0.0.1:{ports.collector}/v1/articles"
        self._ranking = f"http://127.0.0.1:{ports.ranking}/v1"

    async def describe(self, article: Article, at_ms: int, token: str) -> None:
        """Tell about an article, as a CMS does when it is published."""
        async with self._session.put(
            f"{self._articles}/{article.article_id}",
            params={"site": SITE},
            json=article.description(at_ms),
            headers={"Authorization": f"Bearer {token}"},
        ) as answer:
            if answer.status != 200:
                raise _unexpected(answer, await answer.text())

    async def send(self, events: Sequence[Event]) -> None:
        """Send events in their order; return when Kafka has every one of them."""
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            outcome = await self.sender.send(batch)
            if outcome.accepted != len(batch):
                raise MostreadError(f"the collector took {outcome.accepted} of {len(batch)} events")

    async def most_read(self) -> MostRead:
        """Return the list of the last 24 hours; raises Unavailable."""
        # With what is held back, where the newcomer has set that: all ten are looked at.
        address = f"{self._ranking}/most-read?site={SITE}&window=24h&limit={LIMIT}&quarantined=1"
        async with self._session.get(address) as answer:
            if answer.status != 200:
                raise _unexpected(answer, await answer.text())
            return msgspec.json.decode(await answer.read(), type=MostRead)

    async def known(self, article: Article) -> Known:
        """Return what is known of an article, maybe nothing; raises Unavailable."""
        address = f"{self._ranking}/articles/{article.article_id}?site={SITE}"
        async with self._session.get(address) as answer:
            if answer.status == 404:
                return Known()
            if answer.status != 200:
                raise _unexpected(answer, await answer.text())
            return msgspec.json.decode(await answer.read(), type=Known)


async def until(what: str, ask: Callable[[], Awaitable[T | None]], seconds: float = 60) -> T:
    """Ask until the answer is not None; raises Unavailable, saying `what` did not come."""
    with_patience = asyncio.timeout(seconds)
    try:
        async with with_patience:
            while True:
                try:
                    answer = await ask()
                except (Unavailable, aiohttp.ClientConnectionError):
                    answer = None  # a service that is just being started again
                if answer is not None:
                    return answer
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise Unavailable(f"{what}: not within {seconds:g} s") from error


def _unexpected(answer: aiohttp.ClientResponse, text: str) -> MostreadError:
    kind = Unavailable if answer.status >= 500 else MostreadError
    return kind(f"{answer.method} {answer.url} was answered {answer.status}: {text[:300]}")
