"""Lists as server-sent events: whenever they change, to all clients that follow them.

Each event carries a full list, and an id derived from its content: a client that reconnects, to
any process, sends its last id and receives the list only if it differs. All clients of a list
share one watch, which refreshes it regularly, and its compressed events. While nothing changes,
the event `fresh` reports every few seconds up to when events are counted. One client may follow
several lists.
"""

import asyncio
import contextvars
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass

from mostread.errors import MostreadError, TooManyStreams
from mostread.infra.http.compression import StreamChunk, stream_for
from mostread.infra.http.messages import Request, StreamResponse
from mostread.infra.logging import get_logger
from mostread.ranking.metrics import RankingMetrics

REFRESH_SECONDS = 1.0
"""How often a watched list is refreshed, unless its route asks for less."""

HEARTBEAT_SECONDS = 10.0

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
    # A proxy must not buffer events; nginx honours this header.
    "X-Accel-Buffering": "no",
}
_RETRY = StreamChunk(b"retry: 2000\n\n")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """The data of the events `list` and `fresh`, without line breaks.

    `id` is a hash of what `list` tells a reader. `fresh` is rendered only when it is sent.
    """

    id: str
    list_data: bytes
    render_fresh: Callable[[], bytes]


Load = Callable[[], Awaitable[StreamEvent]]
"""Computes the newest event of a list; raises MostreadError."""


class ListWatch:
    """The newest event of a list; wakes the clients that wait for the next one."""

    def __init__(self, event: StreamEvent) -> None:
        self.event = event
        self.changed = _list_event(event, b"")
        self.clients: set[asyncio.Event] = set()
        self._unchanged: StreamChunk | None = None

    def publish(self, event: StreamEvent) -> None:
        """Replace the event, and wake the clients if its content differs."""
        previous, self.event, self._unchanged = self.event, event, None
        if previous.id != event.id:
            self.changed = _list_event(event, self.changed.data)
            for client in self.clients:
                client.set()

    def unchanged(self) -> StreamChunk:
        """Return the event `fresh`, sent while the list does not change."""
        if self._unchanged is None:
            data = b"event: fresh\ndata: %s\n\n" % self.event.render_fresh()
            self._unchanged = StreamChunk(data)
        return self._unchanged


def _list_event(event: StreamEvent, after: bytes) -> StreamChunk:
    data = b"event: list\nid: %s\ndata: %s\n\n" % (event.id.encode(), event.list_data)
    return StreamChunk(data, after)


@dataclass(slots=True)
class _Sent:
    """The event that a client received last from one watch."""

    id: str
    at: float


class StreamHub:
    """Serves all streams: at most `max_clients` clients and `max_lists` lists."""

    def __init__(self, metrics: RankingMetrics, *, max_clients: int, max_lists: int) -> None:
        self._metrics = metrics
        self._max_clients = max_clients
        self._max_lists = max_lists
        self._clients = 0
        self._watches: dict[Hashable, ListWatch] = {}
        self._refreshes: dict[Hashable, asyncio.Task[None]] = {}

    async def serve(
        self, request: Request, lists: Mapping[Hashable, Load], every: float = REFRESH_SECONDS
    ) -> StreamResponse:
        """Return the stream of the events of lists, which ends when the client disconnects.

        Each list is refreshed every `every` seconds. Raises TooManyStreams, or what loading a list
        raises.
        """
        self._check_limits(lists)
        events = {key: await self._event(key, load) for key, load in lists.items()}
        self._check_limits(lists)  # others may have joined meanwhile
        stream = stream_for(request.headers.get("Accept-Encoding", ""))
        last = request.headers.get("Last-Event-ID", "")

        async def chunks() -> AsyncGenerator[bytes, None]:
            woken = asyncio.Event()
            for key, load in lists.items():
                self._watch(key, load, events[key], every)
            watches = [self._watches[key] for key in lists]
            for watch in watches:
                watch.clients.add(woken)
            self._count_client(1)
            try:
                yield b""
                async with aclosing(self._chunks(watches, woken, last)) as produced:
                    async for chunk in produced:
                        yield stream.send(chunk)
            finally:
                self._count_client(-1)
                for key, watch in zip(lists, watches, strict=True):
                    self._leave(key, watch, woken)

        joined = chunks()
        await anext(joined)  # joins before another request is checked against the limits
        return StreamResponse(joined, {**_HEADERS, **stream.headers}, end=stream.end)

    async def _event(self, key: Hashable, load: Load) -> StreamEvent:
        """Return the newest event of a list, which another client may follow already."""
        watch = self._watches.get(key)
        return watch.event if watch is not None else await load()

    def _check_limits(self, lists: Mapping[Hashable, Load]) -> None:
        if self._clients >= self._max_clients:
            raise TooManyStreams(f"Stream limit reached ({self._clients} clients)")
        if len(self._watches.keys() | lists.keys()) > self._max_lists:
            raise TooManyStreams(f"Stream limit reached ({len(self._watches)} lists)")

    def _count_client(self, change: int) -> None:
        self._clients += change
        self._metrics.stream_clients.set(self._clients)

    def _watch(self, key: Hashable, load: Load, event: StreamEvent, every: float) -> None:
        """Start to refresh a list, unless another client follows it already."""
        if key not in self._watches:
            watch = self._watches[key] = ListWatch(event)
            # In a context of its own: the list outlives the request that is the first to follow it.
            self._refreshes[key] = asyncio.create_task(
                _refresh(watch, load, every), context=contextvars.Context()
            )

    def _leave(self, key: Hashable, watch: ListWatch, woken: asyncio.Event) -> None:
        watch.clients.discard(woken)
        if not watch.clients:
            del self._watches[key]
            self._refreshes.pop(key).cancel()

    async def _chunks(
        self, watches: list[ListWatch], woken: asyncio.Event, last: str
    ) -> AsyncGenerator[StreamChunk, None]:
        """Yield what one client is sent."""
        now = asyncio.get_running_loop().time
        sent = {watch: _Sent(last, at=-math.inf) for watch in watches}
        yield _RETRY
        while True:
            woken.clear()
            for watch, previous in sent.items():
                if watch.event.id != previous.id:
                    previous.id, previous.at = watch.event.id, now()
                    self._metrics.stream_events.inc()
                    yield watch.changed
                elif now() - previous.at >= HEARTBEAT_SECONDS:
                    previous.at = now()
                    yield watch.unchanged()
            next_heartbeat = min(each.at for each in sent.values()) + HEARTBEAT_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_heartbeat):
                    await woken.wait()


async def _refresh(watch: ListWatch, load: Load, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            watch.publish(await load())
        except MostreadError as error:
            # Clients keep the list they have; the next refresh may succeed.
            log.warning("stream_refresh_failed", error=str(error))
