"""Limits on connections that Granian leaves to its application.

Granian accepts `http_max_connections`, times out the head of an HTTP/1 request, and leaves further
connections in the kernel's queue. It does not time out HTTP/2, nor a client that never reveals
which version it speaks, and at the limit readers would wait behind silent connections.
This module looks at the accepted sockets through the kernel (Linux) and closes

- those that have been silent in both directions for longer than any request takes,
- those whose client reads a stream too slowly, and
- near the limit, those that have been silent longest.

A client that does not read its response is the kernel's own business: `listener` sets
TCP_USER_TIMEOUT, which accepted sockets inherit.
"""

import asyncio
import errno
import os
import resource
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import NamedTuple

from mostread.errors import Misconfigured
from mostread.infra.http.backlog import StreamBacklog
from mostread.infra.http.config import ServiceSettings

BACKLOG = 4096
"""Connections that the kernel keeps until they are accepted."""

_SPARE_FILES = 100
"""File descriptors for other purposes: the log, Kafka, ClickHouse, libraries."""
_NEAR_LIMIT = 0.95
_EVICTED_SHARE = 0.1
_MIN_IDLE_SECONDS = 2.0
_SWEEP_SECONDS = 1.0
_SWEEPS_PER_SCAN = 5
# struct tcp_info of Linux, up to tcpi_bytes_received: 8 + 24 + 4 numbers.
_TCP_INFO = struct.Struct("8B24I4Q")
_LAST_DATA_SENT, _LAST_DATA_RECEIVED, _BYTES_ACKNOWLEDGED, _BYTES_RECEIVED = 17, 19, 34, 35


class CloseReason(StrEnum):
    """Why the service closed a connection: a closed set."""

    MAX_CONNECTIONS = "max_connections"
    TIMEOUT = "timeout"


class AcceptedSocket(NamedTuple):
    """An accepted connection; `idle` is in seconds, without data in either direction."""

    descriptor: int
    peer: tuple[object, ...]
    idle: float
    acknowledged: int
    """Bytes that the client has received."""
    received: int

    @property
    def client(self) -> str:
        """The address and port of the client, as Granian writes them."""
        host, port = self.peer[:2]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"

    def close(self) -> None:
        """End the connection, unless the descriptor belongs to another one by now."""
        with suppress(OSError), _duplicate(self.descriptor) as copy:
            if copy.getpeername() == self.peer:
                copy.shutdown(socket.SHUT_RDWR)


class Endpoint(NamedTuple):
    """Where a service listens; port 0 means a free one. `setting` is the variable of the port."""

    host: str
    port: int
    setting: str


def listener(endpoint: Endpoint, settings: ServiceSettings) -> socket.socket:
    """Return a listening socket. Raises Misconfigured if the port is in use."""
    host, port, setting = endpoint
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        created = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host}:{port} ({error.strerror}); set {setting} to another port"
        ) from error
    created.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = int(settings.http_client_timeout_seconds * 1000)
        created.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return created


class Connections:
    """The accepted connections of `port`.

    `max_request_seconds` is how long a request may wait without sending anything. `on_close` is
    called for each connection that `sweep` closes.
    """

    def __init__(
        self,
        port: int,
        settings: ServiceSettings,
        max_request_seconds: float = 60,
        on_close: Callable[[CloseReason], None] = lambda _: None,
    ) -> None:
        self.port = port
        self._on_close = on_close
        self.limit = max_connections(settings)
        self._max_idle = settings.http_client_timeout_seconds + max_request_seconds
        self.open = 0
        """Number of accepted connections at the last scan, at most five seconds ago."""

    def scan(self) -> list[AcceptedSocket]:
        """Return the accepted connections."""
        accepted = list(self._accepted())
        self.open = len(accepted)
        return accepted

    async def sweep(self, backlog: StreamBacklog) -> None:
        """Close connections at their limits, until cancelled."""
        number = 0
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            number += 1
            is_near_limit = len(_descriptors()) > self.limit * _NEAR_LIMIT
            if is_near_limit or number % _SWEEPS_PER_SCAN == 0:
                # In a thread, because it takes 100 ms for ten thousand connections.
                accepted = await asyncio.to_thread(self.scan)
                self._close_excess(accepted, is_near_limit, backlog)

    def close_unused(self) -> None:
        """Close connections that have not sent anything, because the service stops."""
        for accepted in self._accepted():
            if not accepted.received:
                accepted.close()

    def close_all(self) -> None:
        """Close every connection, because the service has stopped."""
        for accepted in self._accepted():
            accepted.close()

    def _close_excess(
        self, accepted: list[AcceptedSocket], is_near_limit: bool, backlog: StreamBacklog
    ) -> None:
        accepted.sort(key=lambda each: each.idle, reverse=True)
        max_evicted = int(self.limit * _EVICTED_SHARE) + 1 if is_near_limit else 0
        for number, connection in enumerate(accepted):
            if connection.idle > self._max_idle or backlog.exceeded(
                connection.client, connection.acknowledged
            ):
                self._close(connection, CloseReason.TIMEOUT)
            elif number < max_evicted and connection.idle > _MIN_IDLE_SECONDS:
                self._close(connection, CloseReason.MAX_CONNECTIONS)

    def _close(self, connection: AcceptedSocket, reason: CloseReason) -> None:
        self._on_close(reason)
        connection.close()

    def _accepted(self) -> Iterator[AcceptedSocket]:
        for name in _descriptors():
            # A listener, a Unix socket, not a socket, or disconnected meanwhile.
            with suppress(OSError, IndexError, struct.error), _duplicate(int(name)) as copy:
                if copy.getsockname()[1] != self.port:
                    continue
                peer = copy.getpeername()
                info = _TCP_INFO.unpack(
                    copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
                )
                idle = min(info[_LAST_DATA_SENT], info[_LAST_DATA_RECEIVED]) / 1000
                yield AcceptedSocket(
                    int(name), peer, idle, info[_BYTES_ACKNOWLEDGED], info[_BYTES_RECEIVED]
                )


@contextmanager
def _duplicate(descriptor: int) -> Iterator[socket.socket]:
    """Duplicate the socket of a descriptor for the block. Raises OSError if it is none.

    A duplicate stays the same connection even if the server closes its own descriptor and the
    number is reused. One at a time: all of them would exceed the limit of open files. Only of
    sockets: POSIX locks of a file, such as SQLite's, end when any of its descriptors is closed.
    """
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    number = os.dup(descriptor)
    try:
        copy = socket.socket(fileno=number)
    except OSError:
        os.close(number)
        raise
    with copy:
        yield copy


def _descriptors() -> list[str]:
    """Return the open descriptors of this process, none on systems other than Linux."""
    try:
        return os.listdir("/proc/self/fd")  # noqa: PTH208  every second
    except OSError:  # or no descriptor is free to list them
        return []


def max_connections(settings: ServiceSettings) -> int:
    """Return how many connections this process may accept; raise its limit of open files."""
    files = raise_nofile_limit(settings.http_max_connections + _SPARE_FILES)
    return max(min(settings.http_max_connections, files - _SPARE_FILES), 1)


def raise_nofile_limit(wanted: int) -> int:
    """Raise the limit of open files towards `wanted`; return the resulting limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, wanted)
