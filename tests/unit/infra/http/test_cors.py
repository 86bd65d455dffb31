"""CORS headers by route."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mostread.errors import UnknownArticle
from mostread.infra.http.cors import CorsPolicy, add_cors_headers, preflight
from mostread.infra.http.problems import problems

POLICIES = {
    "/events": CorsPolicy(expose="Retry-After", methods="POST", request_headers="Content-Type"),
    "/articles/{article_id}": CorsPolicy(),
    "/stream": CorsPolicy(),
    "/script.js": CorsPolicy(embeddable=True),
}
ORIGIN = "Access-Control-Allow-Origin"
Client = TestClient[web.Request, web.Application]


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _fail(_: web.Request) -> web.Response:
    raise UnknownArticle("There is no such article.")


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"data")
    return response


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problems])
    app.on_response_prepare.append(add_cors_headers(POLICIES))
    app.router.add_post("/events", _ok)
    app.router.add_options("/events", preflight)
    app.router.add_get("/articles/{article_id:[^/]+}", _fail)
    app.router.add_get("/stream", _stream)
    app.router.add_get("/script.js", _ok)
    app.router.add_get("/private", _ok)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_response_permits_every_origin_and_exposes_headers(client: Client) -> None:
    response = await client.post("/events")

    assert response.headers[ORIGIN] == "*"
    assert response.headers["Access-Control-Expose-Headers"] == "Retry-After"
    assert "Access-Control-Allow-Methods" not in response.headers


async def test_preflight_permits_the_methods_and_headers_of_the_policy(client: Client) -> None:
    response = await client.options("/events")

    assert response.status == 204
    assert response.headers[ORIGIN] == "*"
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert response.headers["Access-Control-Max-Age"] == "86400"


async def test_error_of_a_route_with_pattern_has_the_headers(client: Client) -> None:
    response = await client.get("/articles/a")

    assert response.status == 404
    assert response.headers[ORIGIN] == "*"


async def test_stream_has_the_headers(client: Client) -> None:
    assert (await client.get("/stream")).headers[ORIGIN] == "*"


async def test_embeddable_route_may_be_loaded_by_isolated_pages(client: Client) -> None:
    response = await client.get("/script.js")

    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("path", ["/private", "/missing"])
async def test_route_without_policy_has_no_headers(client: Client, path: str) -> None:
    assert ORIGIN not in (await client.get(path)).headers
