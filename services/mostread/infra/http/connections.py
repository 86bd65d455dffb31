"""Connections of a service: their number, their timeouts, and the bytes they buffer.

aiohttp alone waits for clients without limit: an hour for the head of a request, forever for its
body and for the client to read the response. This module applies one rule instead. At a limit it
closes the connection that has waited longest for its client. Well-behaved clients are fast, so
theirs is never that one, however many connections an attacker opens.

- A process has at most `http_max_connections`. A connection that waits for its client (for the
  next request, the rest of a body, a response to be read) waits `http_client_timeout_seconds`.
- Incomplete requests occupy at most `http_max_buffered_bytes`.
"""

import asyncio
import resource
from collections.abc import Callable
from enum import StrEnum

from aiohttp import web
from aiohttp.typedefs import Handler

from mostread.infra.http.config import ServiceSettings

_HEAD_BYTES = 16 << 10
"""Bytes of a request that may be its head."""
_MAX_BUFFERED = 2 << 20
"""Maximum counted per connection: bytes beyond the body limit are discarded."""
_READ_BYTES = 16 << 10
"""Bytes of a body that are read before its handler asks for them. aiohttp accepts up to 32
pipelined requests per connection, each with that many."""
_SPARE_FILES = 100
"""File descriptors for other purposes: the log, Kafka, ClickHouse, libraries."""
_MIN_CONNECTIONS = 10
"""Connections to permit even if the file limit is lower."""
_SWEEP_SECONDS = 1.0


class CloseReason(StrEnum):
    """Why the service closed a connection: a closed set."""

    MAX_CONNECTIONS = "max_connections"
    TIMEOUT = "timeout"
    MAX_BUFFERED_BYTES = "max_buffered_bytes"


class Connection(web.RequestHandler):
    """A connection served by aiohttp, with `buffered` bytes of incomplete requests."""

    __slots__ = ("_connections", "_paused_for_body", "buffered", "client_seconds", "idle_since")

    def __init__(self, connections: "Connections", server: web.Server) -> None:
        super().__init__(
            server,
            loop=connections.loop,
            access_log=None,  # type: ignore[arg-type]  # as AppRunner's documentation has it
            read_bufsize=_READ_BYTES,
            auto_decompress=False,  # the collector's body.py bounds the size while it inflates
        )
        self._connections = connections
        self._paused_for_body = False
        self.client_seconds = connections.client_seconds
        self.buffered = 0
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.buffer(len(data))
        super().data_received(data)

    def pause_reading(self) -> None:
        self._paused_for_body = True
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        # aiohttp resumes twice per request, paused or not, which takes 5 % of its time and would
        # end pause_reading_for early.
        if self._paused_for_body:
            self._paused_for_body = False
            super().resume_reading(resume_parser)

    def buffer(self, size: int) -> None:
        """Count `size` more bytes in memory."""
        size = min(size, _MAX_BUFFERED - self.buffered)
        if size > 0:
            self._connections.buffer(self, size)

    def mark_idle(self) -> None:
        """Start waiting for the client."""
        self._connections.mark_idle(self)

    def mark_active(self, body_bytes: int = 0) -> None:
        """Stop waiting for the client: a request of `body_bytes` is complete."""
        self._connections.mark_active(self)
        if self.buffered:
            self._connections.release(self, min(self.buffered, body_bytes + _HEAD_BYTES))

    def pause_reading_for(self, seconds: float) -> None:
        """Read nothing for a while, for a client that was sent Retry-After."""
        transport = self.transport
        if transport is not None and transport.is_reading():
            transport.pause_reading()
            self._connections.loop.call_later(seconds, _resume, transport)

    def end(self) -> None:
        """Close the connection, whatever is in progress."""
        transport = self.transport
        if transport is not None:
            transport.abort()  # close() would wait until the client has read the response
        self.force_close()


def _resume(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.resume_reading()


def connection_of(request: web.Request) -> Connection | None:
    """Return the connection of a request, None if another server accepted it."""
    protocol = request.protocol
    return protocol if isinstance(protocol, Connection) else None


class Connections:
    """Open connections of a service, in the order in which it would close them.

    `on_close` is called with the reason of each connection that the service closes. Create it in
    a running loop.
    """

    def __init__(self, settings: ServiceSettings, on_close: Callable[[CloseReason], None]) -> None:
        self.loop = asyncio.get_running_loop()
        files = raise_nofile_limit(settings.http_max_connections + _SPARE_FILES)
        self.max_connections = max(files - _SPARE_FILES, _MIN_CONNECTIONS)
        self.client_seconds = settings.http_client_timeout_seconds
        self._max_bytes = settings.http_max_buffered_bytes
        self._on_close = on_close
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}
        self._buffering: dict[Connection, None] = {}
        self._buffered_bytes = 0

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: Connection) -> None:
        """Add a connection, closing another one at the limit."""
        self._open.add(connection)
        self.mark_idle(connection)
        if len(self._open) > self.max_connections:
            self._close(next(iter(self._idle)), CloseReason.MAX_CONNECTIONS)

    def closed(self, connection: Connection) -> None:
        """Remove a connection and its buffered bytes; may be called twice."""
        self._open.discard(connection)
        self._idle.pop(connection, None)
        self.release(connection, connection.buffered)

    def mark_idle(self, connection: Connection) -> None:
        """Move a connection to the end of those that wait for their clients."""
        if connection in self._open:
            connection.idle_since = self.loop.time()
            self._idle.pop(connection, None)
            self._idle[connection] = None

    def mark_active(self, connection: Connection) -> None:
        """Remove a connection from those that wait for their clients."""
        self._idle.pop(connection, None)

    def buffer(self, connection: Connection, size: int) -> None:
        """Count `size` more bytes, closing the oldest connections above the limit."""
        if connection in self._open:
            connection.buffered += size
            self._buffering.setdefault(connection)
            self._buffered_bytes += size
            while self._buffered_bytes > self._max_bytes:
                self._close(next(iter(self._buffering)), CloseReason.MAX_BUFFERED_BYTES)

    def release(self, connection: Connection, size: int) -> None:
        """Count `size` bytes less."""
        connection.buffered -= size
        self._buffered_bytes -= size
        if not connection.buffered:
            self._buffering.pop(connection, None)

    async def sweep(self) -> None:
        """Close connections at their timeout, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            # One second after the handler's own timeout for a body, which can still answer.
            since = self.loop.time() - self.client_seconds - 1
            for connection in list(self._idle):
                if connection.idle_since > since:
                    break
                self._close(connection, CloseReason.TIMEOUT)

    def _close(self, connection: Connection, reason: CloseReason) -> None:
        self._on_close(reason)
        self.closed(connection)
        connection.end()


@web.middleware
async def connection_state_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Mark the connection active during a request and idle after it."""
    connection = connection_of(request)
    if connection is None:
        return await handler(request)
    if request.body_exists:
        # The head has arrived. The handler marks the connection active when it has the body.
        connection.mark_idle()
    else:
        connection.mark_active()
    try:
        return await handler(request)
    finally:
        connection.mark_active(request.content_length or 0)
        connection.mark_idle()


def raise_nofile_limit(wanted: int) -> int:
    """Raise the limit of open files towards `wanted`; return the resulting limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, wanted)
