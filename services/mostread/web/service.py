"""What every service has: /healthz, /readyz, /metrics, /openapi.json, and an orderly end."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from mostread import logs
from mostread.errors import Misconfigured
from mostread.web.problem import problem, problems

log = logs.get(__name__)

Check = Callable[[], Awaitable[str | None]]
"""Asks one part whether it works: None, or a sentence that says what is wrong."""


def new_registry() -> CollectorRegistry:
    """Return a registry of metrics with those of the process itself in it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def new_application(
    *,
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
    openapi: Mapping[str, Any] | None = None,
    client_max_size: int = 1 << 20,
) -> web.Application:
    """Return an application that answers for the service itself.

    `checks` names the parts that /readyz asks; it answers 200 when each returns None, else 503
    with what is wrong by name. /healthz answers 200 as long as the process lives.
    """
    app = web.Application(middlewares=[problems], client_max_size=client_max_size)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        answers = await asyncio.gather(*(check() for check in checks.values()))
        failing = {name: said for name, said in zip(checks, answers, strict=True) if said}
        if failing:
            return problem(
                503,
                "not-ready",
                "Not ready",
                "; ".join(f"{name}: {said}" for name, said in failing.items()),
                failing=failing,
            )
        return web.json_response({"status": "ready", "checks": dict.fromkeys(checks, "ok")})

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    if openapi is not None:
        document = orjson.dumps(openapi)

        async def openapi_json(_: web.Request) -> web.Response:
            return web.Response(body=document, content_type="application/json")

        app.router.add_get("/openapi.json", openapi_json)
    return app


async def listen(app: web.Application, host: str, port: int, setting: str) -> web.AppRunner:
    """Serve `app`; `runner.cleanup()` stops accepting, lets requests finish, then cleans up.

    Raises Misconfigured, naming `setting`, where the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=30)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=4096).start()
    except OSError as error:
        await runner.cleanup()
        raise Misconfigured(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another port by {setting}"
        ) from error
    log.info("listening", host=host, port=port)
    return runner


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
