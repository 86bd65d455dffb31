"""Operational routes, start and graceful shutdown of every service."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mostread.errors import Misconfigured
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.connections import (
    CloseReason,
    Connection,
    Connections,
    connection_state_middleware,
)
from mostread.infra.http.cors import CorsPolicy, add_cors_headers
from mostread.infra.http.problems import problem, problems
from mostread.infra.logging import get_logger

log = get_logger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""Checks one dependency: returns None, or the error as a sentence."""

Scrape = Callable[[], Awaitable[Collector]]
"""Collects metrics when they are requested."""


def new_registry() -> CollectorRegistry:
    """Return a registry that holds the metrics of the process itself."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def new_application(
    *,
    checks: Mapping[str, Check],
    registry: CollectorRegistry | Scrape,
    openapi: Mapping[str, Any] | None = None,
    client_max_size: int = 1 << 20,
    cors: Mapping[str, CorsPolicy] | None = None,
) -> web.Application:
    """Return an application with the operational routes that every service has.

    /healthz answers 200 while the process lives. /readyz answers 200 if each of `checks` returns
    None, else 503 with the errors by name. `cors` holds the policies of the service's own routes
    by canonical path.
    """
    app = web.Application(
        middlewares=[connection_state_middleware, problems], client_max_size=client_max_size
    )
    if cors:
        app.on_response_prepare.append(add_cors_headers(cors))

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        errors = await asyncio.gather(*(check() for check in checks.values()))
        failing = {name: error for name, error in zip(checks, errors, strict=True) if error}
        if failing:
            return problem(
                503,
                "not-ready",
                "Not ready",
                "; ".join(f"{name}: {error}" for name, error in failing.items()),
                failing=failing,
            )
        return web.json_response({"status": "ready", "checks": dict.fromkeys(checks, "ok")})

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        collector = registry if isinstance(registry, CollectorRegistry) else await registry()
        return web.Response(body=encode(collector), headers={"Content-Type": content_type})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    if openapi is not None:
        document = orjson.dumps(openapi)

        async def openapi_json(_: web.Request) -> web.Response:
            return web.Response(body=document, content_type="application/json")

        app.router.add_get("/openapi.json", openapi_json)
    return app


class RunningServer:
    """A listening service; `cleanup` finishes the requests in progress."""

    def __init__(self, runner: web.AppRunner, server: web.Server, connections: Connections) -> None:
        self.connections = connections
        self._runner = runner
        self._server = server

    async def start(self, host: str, port: int, *, shared: bool) -> None:
        """Accept connections. Raises OSError if the port is in use."""
        self._listener = await self.connections.loop.create_server(
            partial(Connection, self.connections, self._server),
            host,
            port,
            backlog=4096,
            reuse_port=shared,
        )
        self._sweeping = asyncio.create_task(self.connections.sweep())

    async def cleanup(self) -> None:
        """Close the port, finish requests in progress, then release resources."""
        self._listener.close()
        await self._runner.cleanup()
        self._sweeping.cancel()


async def listen(
    app: web.Application,
    host: str,
    port: int,
    setting: str,
    settings: ServiceSettings,
    *,
    shared: bool = False,
    on_close: Callable[[CloseReason], None] = lambda _: None,
) -> RunningServer:
    """Serve `app` within the limits of `settings`.

    `on_close` is called for each connection that the service closes at a limit. If `shared`,
    other processes may share the port. Raises Misconfigured, naming `setting`, if the port is in
    use.
    """
    runner = web.AppRunner(app, shutdown_timeout=30)
    await runner.setup()
    if runner.server is None:
        raise RuntimeError("aiohttp's runner has no server after its setup")
    listening = RunningServer(runner, runner.server, Connections(settings, on_close))
    try:
        await listening.start(host, port, shared=shared)
    except OSError as error:
        await runner.cleanup()
        raise port_error(host, port, setting, error) from error
    log.info("listening", host=host, port=port)
    return listening


def port_error(host: str, port: int, setting: str, error: OSError) -> Misconfigured:
    """Return the error for a port that cannot be opened; `setting` is its variable."""
    return Misconfigured(
        f"cannot listen on {host}:{port} ({error.strerror}); set {setting} to another port"
    )


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


_REFRESH_SECONDS = 2.0


class ScrapeRegistry:
    """A registry that refreshes some of its metrics when it is scraped.

    A slow refresh does not delay the scrape: it returns the previous values, and the next scrape
    waits for the same refresh. So a server that hangs is queried once.
    """

    def __init__(self, registry: CollectorRegistry, refresh: Callable[[], Awaitable[None]]) -> None:
        self._registry = registry
        self._refresh = refresh
        self._refreshing: asyncio.Task[None] | None = None

    async def __call__(self) -> CollectorRegistry:
        """Return the registry within seconds, even if the refresh hangs."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._try_refresh())
        await asyncio.wait({self._refreshing}, timeout=_REFRESH_SECONDS)
        return self._registry

    async def close(self) -> None:
        """Cancel a refresh in progress."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait({self._refreshing})

    async def _try_refresh(self) -> None:
        try:
            await self._refresh()
        except Exception:
            # The other metrics are still worth reading.
            log.exception("scrape_refresh_failed")
