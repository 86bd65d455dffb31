"""Clients of an application that Granian serves in this process, and its routes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, overload

from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.connections import Endpoint
from mostread.infra.http.operations import add_operational_routes
from mostread.infra.http.routing import Handler
from mostread.infra.http.server import serving


@asynccontextmanager
async def url_of(app: Application, port: int = 0) -> AsyncIterator[str]:
    """Serve `app`, on a free port by default; yield its URL without a final slash."""
    async with serving(app, Endpoint("127.0.0.1", port, ""), ServiceSettings()) as actual:
        yield f"http://127.0.0.1:{actual}"


@asynccontextmanager
async def client_of(app: Application, auto_decompress: bool = True) -> AsyncIterator[ClientSession]:
    """Serve `app` on a free port; paths are relative to it."""
    async with url_of(app) as url, ClientSession(url, auto_decompress=auto_decompress) as client:
        yield client


class FakeHeaders:
    """Headers by name, in any case, each with one value or several separated by line breaks."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._values = {name.lower(): value.split("\n") for name, value in headers.items()}

    def __contains__(self, name: object, /) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __getitem__(self, name: str, /) -> str:
        return self._values[name.lower()][0]

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    def get(self, name: str, default: str | None = None, /) -> str | None:
        values = self.get_all(name)
        return values[0] if values else default

    def get_all(self, name: str, /) -> list[str]:
        return self._values.get(name.lower(), [])


class _Paths(Application):
    """Records the paths of its routes."""

    def __init__(self) -> None:
        super().__init__(ServiceSettings())
        self.paths: set[str] = set()

    def add(self, method: str, path: str, handler: Handler, *, head: bool = True) -> None:
        self.paths.add(path)
        super().add(method, path, handler, head=head)


def operational_paths(openapi: Mapping[str, Any] | None = None) -> set[str]:
    """Return the paths that every service has; with `openapi`, of a service with an API."""
    app = _Paths()
    add_operational_routes(app, checks={}, registry=CollectorRegistry(), openapi=openapi)
    return app.paths


async def every(seconds: float) -> AsyncIterator[None]:
    """Yield repeatedly, up to the time limit of the test."""
    while True:
        yield
        await asyncio.sleep(seconds)
