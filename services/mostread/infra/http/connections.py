"""The connections of a service: how many, how long each may keep it waiting, what it may hold.

aiohttp waits for a client as long as the client likes: an hour for the head of a request, for
ever for its body and for the answer to be taken. Here one rule stands against all of that:
where there is no room, the connection whose client has kept us waiting longest is cut. A good
client is quick, so it is never that one; and nobody keeps it out by holding many.

- There are at most `http_max_connections`. One that waits for its client (for the next request,
  the rest of a body, an answer to be taken) waits `http_client_timeout_seconds` at most.
- Of requests that are not whole yet at most `http_max_buffered_bytes` are held,.
"""

import asyncio
import resource
from collections.abc import Callable
from enum import StrEnum

from aiohttp import web
from aiohttp.typedefs import Handler

from mostread.infra.http.config import ServiceSettings

_HEAD_BYTES = 16 << 10
"""As much of what a connection sent is taken to be the head of a request."""
_MOST_HELD = 2 << 20
"""No connection holds more: what comes beyond the limit of a body is thrown away."""
_READ_BYTES = 16 << 10
"""How much of a body is read before its handler asks for it. aiohttp takes up to 32 requests of
a connection at once, and so many times as much."""
_SPARE_FILES = 100
"""File descriptors that are not for clients: the log, Kafka, ClickHouse, libraries."""
_FEWEST = 10
"""Connections there may be however few files."""
_SWEEP_SECONDS = 1.0


class CloseReason(StrEnum):
    """Why a connection was cut: a closed set."""

    MAX_CONNECTIONS = "max_connections"
    TIMEOUT = "timeout"
    MAX_BUFFERED_BYTES = "max_buffered_bytes"


class Connection(web.RequestHandler):
    """One connection, served by aiohttp. `held` bytes of it are not a whole request yet."""

    __slots__ = ("_connections", "_paused_for_body", "client_seconds", "held", "waits_since")

    def __init__(self, connections: "Connections", server: web.Server) -> None:
        super().__init__(
            server,
            loop=connections.loop,
            access_log=None,  # type: ignore[arg-type]  # as AppRunner's documentation has it
            read_bufsize=_READ_BYTES,
            auto_decompress=False,  # collector/inflate.py says why
        )
        self._connections = connections
        self._paused_for_body = False
        self.client_seconds = connections.client_seconds
        self.held = 0
        self.waits_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.hold(len(data))
        super().data_received(data)

    def pause_reading(self) -> None:
        self._paused_for_body = True
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        # aiohttp resumes twice a request, paused or not, which takes a twentieth of its time;
        # and it would end a `rest`.
        if self._paused_for_body:
            self._paused_for_body = False
            super().resume_reading(resume_parser)

    def hold(self, size: int) -> None:
        """So many bytes more are in memory."""
        size = min(size, _MOST_HELD - self.held)
        if size > 0:
            self._connections.hold(self, size)

    def waits(self) -> None:
        """From now on it is the client's turn."""
        self._connections.waits(self)

    def works(self, body_bytes: int = 0) -> None:
        """A request is whole, with a body of so many bytes: from now on it is our turn."""
        self._connections.works(self)
        if self.held:
            self._connections.let_go(self, min(self.held, body_bytes + _HEAD_BYTES))

    def rest(self, seconds: float) -> None:
        """Read nothing for a while: a client that was told Retry-After has nothing to say."""
        transport = self.transport
        if transport is not None and transport.is_reading():
            transport.pause_reading()
            self._connections.loop.call_later(seconds, _read_on, transport)

    def end(self) -> None:
        """CloseReason it, whatever is under way."""
        transport = self.transport
        if transport is not None:
            transport.abort()  # close() would wait for the answer to be taken
        self.force_close()


def _read_on(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.resume_reading()


def connection_of(request: web.Request) -> Connection | None:
    """Return the connection of a request; None where it is none of ours."""
    found = request.protocol
    return found if isinstance(found, Connection) else None


class Connections:
    """The open connections of a service, those that would be cut first in front.

    `cut` is told of each that is. Make it in a running loop.
    """

    def __init__(self, settings: ServiceSettings, cut: Callable[[CloseReason], None]) -> None:
        self.loop = asyncio.get_running_loop()
        files = raise_nofile_limit(settings.http_max_connections + _SPARE_FILES)
        self.most = max(files - _SPARE_FILES, _FEWEST)
        self.client_seconds = settings.http_client_timeout_seconds
        self._most_bytes = settings.http_max_buffered_bytes
        self._cut_for = cut
        self._open: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}
        self._holding: dict[Connection, None] = {}
        self._held_bytes = 0

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: Connection) -> None:
        """It is there; where there are too many now, another goes."""
        self._open.add(connection)
        self.waits(connection)
        if len(self._open) > self.most:
            self._cut(next(iter(self._waiting)), CloseReason.MAX_CONNECTIONS)

    def closed(self, connection: Connection) -> None:
        """It is gone, and all that was held of it; may be called again."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)
        self.let_go(connection, connection.held)

    def waits(self, connection: Connection) -> None:
        """It goes to the back of those that wait for their clients."""
        if connection in self._open:
            connection.waits_since = self.loop.time()
            self._waiting.pop(connection, None)
            self._waiting[connection] = None

    def works(self, connection: Connection) -> None:
        """It waits for us."""
        self._waiting.pop(connection, None)

    def hold(self, connection: Connection, size: int) -> None:
        """So much more is held of it; where that is too much in all, those before it go."""
        if connection in self._open:
            connection.held += size
            self._holding.setdefault(connection)
            self._held_bytes += size
            while self._held_bytes > self._most_bytes:
                self._cut(next(iter(self._holding)), CloseReason.MAX_BUFFERED_BYTES)

    def let_go(self, connection: Connection, size: int) -> None:
        """So much of it is held no more."""
        connection.held -= size
        self._held_bytes -= size
        if not connection.held:
            self._holding.pop(connection, None)

    async def sweep(self) -> None:
        """CloseReason those whose clients take too long, for ever."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            # A second more than a handler waits for a body, which can tell the client.
            since = self.loop.time() - self.client_seconds - 1
            for connection in list(self._waiting):
                if connection.waits_since > since:
                    break
                self._cut(connection, CloseReason.TIMEOUT)

    def _cut(self, connection: Connection, why: CloseReason) -> None:
        self._cut_for(why)
        self.closed(connection)
        connection.end()


@web.middleware
async def connection_state_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection whose turn it is."""
    connection = connection_of(request)
    if connection is None:
        return await handler(request)
    if request.body_exists:
        # It has come so far. The handler says when it has read the rest.
        connection.waits()
    else:
        connection.works()
    try:
        return await handler(request)
    finally:
        connection.works(request.content_length or 0)
        connection.waits()


def raise_nofile_limit(wanted: int) -> int:
    """Raise the limit to `wanted`, as far as the system lets us; return how many of them may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, wanted)
