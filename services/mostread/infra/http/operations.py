"""Operational routes of every service: health, readiness, metrics and the API's description."""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any

import orjson
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.infra.http.problems import problem
from mostread.infra.logging import get_logger

log = get_logger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""Checks one dependency: returns None, or the error as a sentence."""

Scrape = Callable[[], Awaitable[Collector]]
"""Collects metrics when they are requested."""


def new_registry(revision: str) -> CollectorRegistry:
    """Return a registry with the metrics of the process, and the version and revision it runs.

    Counters and histograms have no `_created` series, which would double their number.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    add_build_info(registry, revision)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def add_build_info(registry: CollectorRegistry, revision: str) -> None:
    """Add the metric that names what runs."""
    build = {"version": version("mostread"), "python": platform.python_version()}
    if revision:
        build["revision"] = revision
    Info(
        "mostread_build",
        "Always 1; its labels version, python and, if the build set it, revision name what runs.",
        registry=registry,
    ).info(build)


async def failing_checks(checks: Mapping[str, Check]) -> dict[str, str]:
    """Return the errors of the checks that fail, by name."""
    errors = await asyncio.gather(*(check() for check in checks.values()))
    return {name: error for name, error in zip(checks, errors, strict=True) if error}


def add_operational_routes(
    app: Application,
    *,
    checks: Mapping[str, Check],
    registry: CollectorRegistry | Scrape,
    openapi: Mapping[str, Any] | None = None,
) -> None:
    """Add the routes that every service has.

    /healthz answers 200 while the process lives. /readyz answers 200 if each of `checks` returns
    None, else 503 with the errors by name.
    """

    async def healthz(_: Request) -> Response:
        return Response.json(b'{"status":"ok"}')

    async def readyz(_: Request) -> Response:
        if failing := await failing_checks(checks):
            return problem(
                503,
                "not-ready",
                "Not ready",
                "; ".join(f"{name}: {error}" for name, error in failing.items()),
                failing=failing,
            )
        ready = {"status": "ready", "checks": dict.fromkeys(checks, "ok")}
        return Response.json(orjson.dumps(ready))

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        collector = registry if isinstance(registry, CollectorRegistry) else await registry()
        return Response(encode(collector), content_type=content_type)

    app.add("GET", "/healthz", healthz)
    app.add("GET", "/readyz", readyz)
    app.add("GET", "/metrics", metrics)
    if openapi is not None:
        document = orjson.dumps(openapi)

        async def openapi_json(_: Request) -> Response:
            return Response.json(document)

        app.add("GET", "/openapi.json", openapi_json)


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
