"""GET /v1/stream: a list as server-sent events, whenever it has changed.

Each event carries the whole list and an id that is made of its content. So whoever reconnects,
to whichever service, says what they have (Last-Event-ID) and is told only what differs. One watch
asks for a list, for all who follow it; a client that reads slowly skips to the newest. What
nothing has changed in is told every few seconds, with how fresh it is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

import orjson
from aiohttp import web

from mostread.errors import MostreadError, Overloaded
from mostread.infra.logging import get_logger
from mostread.ranking.api.params import LIST, PARAMETERS, ListQuery
from mostread.ranking.api.responses import PUBLIC, Answer
from mostread.ranking.api.serializers import items_json, rfc3339
from mostread.ranking.metrics import Metrics
from mostread.ranking.service.lists import MostRead

ASKED_SECONDS = 1.0
"""How often a list that is followed is asked for."""

HEARTBEAT_SECONDS = 10.0
STALLED_SECONDS = 30.0
"""After how long a client that reads nothing is given up."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """A list as it is sent: `id` changes with its items and `stale`, not with the time."""

    id: str
    data: bytes
    freshness: bytes

    @classmethod
    def of(cls, answer: Answer[MostRead]) -> "Event":
        """Return the event that tells an answer."""
        listed = answer.value
        as_of = rfc3339(listed.as_of) if listed.as_of else None
        freshness = orjson.dumps({"as_of": as_of, "stale": listed.stale})
        shown = blake2b(items_json(listed), digest_size=12, key=b"stale" if listed.stale else b"")
        return cls(shown.hexdigest(), answer.body, freshness)

    def told(self) -> bytes:
        """Return it as the event `list`; JSON of ours has no line breaks."""
        return b"event: list\nid: %s\ndata: %s\n\n" % (self.id.encode(), self.data)

    def fresh(self) -> bytes:
        """Return the event `fresh`: nothing else has changed."""
        return b"event: fresh\ndata: %s\n\n" % self.freshness


class Watch:
    """The newest event of one list, and what wakes those who wait for the next."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.followers = 0
        self._changed = asyncio.Event()

    def tell(self, event: Event) -> None:
        """Take over an event, and wake who waits if it shows something new."""
        before, self.event = self.event, event
        if before.id != event.id:
            self.wake()

    def wake(self) -> None:
        """Wake all who wait."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self, shown: str, seconds: float) -> None:
        """Return when the newest event is another than `shown`, or after so long."""
        if self.event.id == shown:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()


class Streams:
    """All that is followed: at most `clients` clients and `lists` lists."""

    def __init__(
        self,
        answer: Callable[[ListQuery], Awaitable[Answer[MostRead]]],
        metrics: Metrics,
        *,
        clients: int,
        lists: int,
    ) -> None:
        self._answer = answer
        self._metrics = metrics
        self._most_clients = clients
        self._most_lists = lists
        self._clients = 0
        self._watches: dict[ListQuery, Watch] = {}
        self._asking: dict[ListQuery, asyncio.Task[None]] = {}
        self._closing = False

    async def follow(self, request: web.Request, query: ListQuery) -> web.StreamResponse:
        """Answer with events until the client, or this service, goes.

        Raises Overloaded, or what computing the list raises, before anything is sent.
        """
        if self._clients >= self._most_clients:
            raise Overloaded(f"{self._clients} clients follow lists, as many as may")
        self._count_client(1)
        try:
            event = Event.of(await self._answer(query))
            watch = self._joined(query, event)
            try:
                return await self._send(request, watch)
            finally:
                self._left(query, watch)
        finally:
            self._count_client(-1)

    def close(self) -> None:
        """Let every client go."""
        self._closing = True
        for watch in self._watches.values():
            watch.wake()

    def _count_client(self, more: int) -> None:
        self._clients += more
        self._metrics.stream_clients.set(self._clients)

    def _joined(self, query: ListQuery, event: Event) -> Watch:
        watch = self._watches.get(query)
        if watch is None:
            if len(self._watches) >= self._most_lists:
                raise Overloaded(f"{len(self._watches)} lists are followed, as many as may be")
            watch = self._watches[query] = Watch(event)
            self._asking[query] = asyncio.create_task(self._ask(query, watch))
        watch.followers += 1
        return watch

    def _left(self, query: ListQuery, watch: Watch) -> None:
        watch.followers -= 1
        if not watch.followers:
            del self._watches[query]
            self._asking.pop(query).cancel()

    async def _ask(self, query: ListQuery, watch: Watch) -> None:
        while True:
            await asyncio.sleep(ASKED_SECONDS)
            try:
                watch.tell(Event.of(await self._answer(query)))
            except MostreadError as error:
                # Those who follow keep what they have; the next answer may be better.
                log.warning("stream_refresh_failed", error=str(error))

    async def _send(self, request: web.Request, watch: Watch) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        shown = request.headers.get("Last-Event-ID", "")
        data = b"retry: 2000\n\n"
        with suppress(ConnectionResetError):
            while not self._closing:
                event = watch.event
                if event.id != shown:
                    self._metrics.stream_events.inc()
                data += event.fresh() if event.id == shown else event.told()
                try:
                    async with asyncio.timeout(STALLED_SECONDS):
                        await response.write(data)
                except TimeoutError:
                    if request.transport is not None:
                        request.transport.abort()
                    break
                data, shown = b"", event.id
                await watch.change(shown, HEARTBEAT_SECONDS)
        return response


FOLLOWED = {**LIST, "explain": PARAMETERS["explain"]}
"""The parameters that a list is followed by."""

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    # A proxy must pass each event on at once; nginx is told so here.
    "X-Accel-Buffering": "no",
    **PUBLIC,
}
