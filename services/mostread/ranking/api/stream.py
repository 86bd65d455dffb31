"""GET /v1/stream: a list as server-sent events, one whenever it changes.

Each event carries the full list, and an id derived from its content: a client that reconnects,
to any process, sends its last id and receives the list only if it differs. All clients of a list
share one watch, which refreshes it every second. A slow client skips to the newest event. While
nothing changes, the event `fresh` reports every few seconds up to when events are counted.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

from aiohttp import web

from mostread.errors import MostreadError, TooManyStreams
from mostread.infra.logging import get_logger
from mostread.ranking.api import serializers
from mostread.ranking.api.responses import JsonRenderer
from mostread.ranking.cache.cache import Cache
from mostread.ranking.metrics import RankingMetrics
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import RankedList

REFRESH_SECONDS = 1.0
"""How often a watched list is refreshed."""

HEARTBEAT_SECONDS = 10.0
WRITE_TIMEOUT_SECONDS = 30.0
"""How long a client may take to read an event before it is disconnected."""

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    # A proxy must not buffer events; nginx honours this header.
    "X-Accel-Buffering": "no",
}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """A list as it is sent; `id` is a hash of the items and `stale`."""

    id: str
    data: bytes
    freshness: bytes

    @classmethod
    def of(cls, ranked: RankedList, data: bytes) -> "StreamEvent":
        """Return the event of a list whose JSON is `data`."""
        content = serializers.encode(serializers.items(ranked))
        digest = blake2b(content, digest_size=12, key=b"stale" if ranked.stale else b"")
        return cls(digest.hexdigest(), data, serializers.freshness(ranked))

    def list_event(self) -> bytes:
        """Return the event `list`; the JSON contains no line breaks."""
        return b"event: list\nid: %s\ndata: %s\n\n" % (self.id.encode(), self.data)

    def fresh_event(self) -> bytes:
        """Return the event `fresh`, sent while the list does not change."""
        return b"event: fresh\ndata: %s\n\n" % self.freshness


class ListWatch:
    """The newest event of a list; wakes the clients that wait for the next one."""

    def __init__(self, event: StreamEvent) -> None:
        self.event = event
        self.clients = 0
        self._changed = asyncio.Event()

    def publish(self, event: StreamEvent) -> None:
        """Replace the event, and wake the clients if its content differs."""
        previous, self.event = self.event, event
        if previous.id != event.id:
            self.wake()

    def wake(self) -> None:
        """Wake all clients."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self, sent: str, seconds: float) -> None:
        """Wait at most `seconds` for an event with another id than `sent`."""
        if self.event.id == sent:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()


class StreamHub:
    """Serves all streams: at most `max_clients` clients and `max_lists` lists."""

    def __init__(
        self,
        lists: Cache[ListQuery, RankedList],
        render: JsonRenderer[RankedList],
        metrics: RankingMetrics,
        *,
        max_clients: int,
        max_lists: int,
    ) -> None:
        self._lists = lists
        self._render = render
        self._metrics = metrics
        self._max_clients = max_clients
        self._max_lists = max_lists
        self._clients = 0
        self._watches: dict[ListQuery, ListWatch] = {}
        self._refreshes: dict[ListQuery, asyncio.Task[None]] = {}
        self._closing = False

    async def serve(self, request: web.Request, query: ListQuery) -> web.StreamResponse:
        """Send events until the client disconnects or the service stops.

        Raises TooManyStreams, or what computing the list raises, before sending anything.
        """
        if self._clients >= self._max_clients:
            raise TooManyStreams(f"Stream limit reached ({self._clients} clients)")
        self._count_client(1)
        try:
            event = await self._event(query)
            watch = self._join(query, event)
            try:
                return await self._send(request, watch)
            finally:
                self._leave(query, watch)
        finally:
            self._count_client(-1)

    def close(self) -> None:
        """Disconnect all clients."""
        self._closing = True
        for watch in self._watches.values():
            watch.wake()

    def _count_client(self, change: int) -> None:
        self._clients += change
        self._metrics.stream_clients.set(self._clients)

    async def _event(self, query: ListQuery) -> StreamEvent:
        ranked = await self._lists.get(query)
        return StreamEvent.of(ranked, self._render(ranked).body)

    def _join(self, query: ListQuery, event: StreamEvent) -> ListWatch:
        watch = self._watches.get(query)
        if watch is None:
            if len(self._watches) >= self._max_lists:
                raise TooManyStreams(f"Stream limit reached ({len(self._watches)} lists)")
            watch = self._watches[query] = ListWatch(event)
            self._refreshes[query] = asyncio.create_task(self._refresh(query, watch))
        watch.clients += 1
        return watch

    def _leave(self, query: ListQuery, watch: ListWatch) -> None:
        watch.clients -= 1
        if not watch.clients:
            del self._watches[query]
            self._refreshes.pop(query).cancel()

    async def _refresh(self, query: ListQuery, watch: ListWatch) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                watch.publish(await self._event(query))
            except MostreadError as error:
                # Clients keep the list they have; the next refresh may succeed.
                log.warning("stream_refresh_failed", error=str(error))

    async def _send(self, request: web.Request, watch: ListWatch) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        sent = request.headers.get("Last-Event-ID", "")
        data = b"retry: 2000\n\n"
        with suppress(ConnectionResetError):
            while not self._closing:
                event = watch.event
                if event.id == sent:
                    data += event.fresh_event()
                else:
                    self._metrics.stream_events.inc()
                    data += event.list_event()
                try:
                    async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                        await response.write(data)
                except TimeoutError:
                    if request.transport is not None:
                        request.transport.abort()
                    break
                data, sent = b"", event.id
                await watch.wait(sent, HEARTBEAT_SECONDS)
        return response
