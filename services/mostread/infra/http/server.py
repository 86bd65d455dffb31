"""Serve an application with Granian inside the running event loop."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes
from granian.http import HTTP1Settings, HTTP2Settings
from granian.net import SocketHolder
from granian.server.embed import Server

from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.connections import (
    BACKLOG,
    Connections,
    Endpoint,
    listener,
    max_connections,
)
from mostread.infra.logging import get_logger

log = get_logger(__name__)

BODY_GRACE_SECONDS = 5.0
"""Time for bodies to arrive once the service stops."""
STOP_GRACE_SECONDS = 25.0
"""Time for requests to be answered once the service stops; Kubernetes kills after 30 s."""
_SEND_SECONDS = 1.0
"""Time for Granian to pass the last responses to the kernel."""
_POLL_SECONDS = 0.1

_HEAD_BYTES = 64 << 10
"""Memory for the head of a request, and for what a connection sends ahead of its handler."""
_MAX_STREAMS_PER_CONNECTION = 100


def granian_options(settings: ServiceSettings) -> dict[str, Any]:
    """Return the arguments of Granian's servers that the settings determine."""
    options: dict[str, Any] = {
        "websockets": False,
        "http": HTTPModes.auto,
        "http1_settings": HTTP1Settings(
            header_read_timeout=int(settings.http_client_timeout_seconds * 1000),
            max_buffer_size=_HEAD_BYTES,
        ),
        "http2_settings": HTTP2Settings(
            max_concurrent_streams=_MAX_STREAMS_PER_CONNECTION,
            max_headers_size=_HEAD_BYTES,
            initial_stream_window_size=_HEAD_BYTES,
            initial_connection_window_size=16 * _HEAD_BYTES,
        ),
        "backlog": BACKLOG,
        "backpressure": max_connections(settings),
        # Granian's loggers then pass their lines to the handler of the service.
        "log_dictconfig": {"handlers": {}, "loggers": {"_granian": {}}},
        "log_level": "error",
    }
    if settings.http_cert_file:
        options["ssl_cert"] = Path(settings.http_cert_file)
        options["ssl_key"] = Path(settings.http_key_file)
        options["ssl_protocol_min"] = "tls1.2"
    return options


class EmbeddedServer(Server):
    """Granian on an existing socket, which has options that Granian does not set."""

    def __init__(self, listening: socket.socket, app: Application, **options: Any) -> None:
        super().__init__(app, **options)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        # As on systems other than Linux: the worker accepts on an existing descriptor, and
        # closes it.
        descriptor = self._listening.detach()
        self._shd = SocketHolder(descriptor, False, self.backlog)  # type: ignore[call-arg, assignment]


@asynccontextmanager
async def serving(
    app: Application,
    endpoint: Endpoint,
    settings: ServiceSettings,
    limit_connections: Callable[[int], Connections] | None = None,
) -> AsyncIterator[int]:
    """Serve `app` within the limits of `settings`, and yield the port; stop gracefully.

    `limit_connections` makes the limits of a port, by default those of `settings`. Raises
    Misconfigured if the port is in use.
    """
    listening = listener(endpoint, settings)
    port = listening.getsockname()[1]
    connections = (limit_connections or partial(Connections, settings=settings))(port)
    server = EmbeddedServer(listening, app, **granian_options(settings))
    tasks = start_sweeps(app, connections)
    running = asyncio.create_task(server.serve())
    running.add_done_callback(_stop_process)
    log.info("listening", host=endpoint.host, port=port)
    try:
        yield port
    finally:
        running.remove_done_callback(_stop_process)
        server.stop()  # type: ignore[no-untyped-call]
        tasks.append(asyncio.create_task(end(app, connections)))
        done, _ = await asyncio.wait({running}, timeout=STOP_GRACE_SECONDS)
        if not done:
            log.warning("requests_unanswered", seconds=STOP_GRACE_SECONDS)
        for task in (*tasks, running):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def start_sweeps(app: Application, connections: Connections) -> list[asyncio.Task[None]]:
    """Start the tasks that apply limits, for the caller to cancel."""
    return [
        asyncio.create_task(app.bodies.sweep()),
        asyncio.create_task(connections.sweep(app.backlog)),
    ]


def _stop_process(_: asyncio.Task[None]) -> None:
    """Stop a process whose server ended by itself, so that it is started again."""
    log.critical("server_ended")
    signal.raise_signal(signal.SIGTERM)


async def end(app: Application, connections: Connections) -> None:
    """End what Granian would wait for.

    Streams and unused connections end at once, incomplete bodies after a grace, and connections
    with an incomplete head once all requests are answered.
    """
    app.stop()
    connections.close_unused()
    await asyncio.sleep(BODY_GRACE_SECONDS)
    app.bodies.interrupt_all()
    while app.in_progress:  # noqa: ASYNC110  an event would cost time in every request
        await asyncio.sleep(_POLL_SECONDS)
    await asyncio.sleep(_SEND_SECONDS)
    connections.close_all()


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
