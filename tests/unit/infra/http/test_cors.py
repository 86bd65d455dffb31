"""CORS headers by route."""

from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from aiohttp import ClientSession

from mostread.errors import UnknownArticle
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.cors import CorsPolicy
from mostread.infra.http.messages import Request, Response, StreamResponse
from tests.support.http import client_of

POLICIES = {
    "/events": CorsPolicy(expose="Retry-After"),
    "/beacons": CorsPolicy(credentials=True),
    "/articles/{article_id}": CorsPolicy(),
    "/stream": CorsPolicy(),
    "/script.js": CorsPolicy(embeddable=True),
}
ORIGIN = "Access-Control-Allow-Origin"


async def _ok(_: Request) -> Response:
    return Response(b"ok")


async def _fail(_: Request) -> Response:
    raise UnknownArticle("There is no such article.")


async def _stream(_: Request) -> StreamResponse:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"data"

    return StreamResponse(chunks(), {})


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    app = Application(ServiceSettings(), cors=POLICIES)
    app.add("POST", "/events", _ok)
    app.add("POST", "/beacons", _fail)
    app.add("GET", "/articles/{article_id}", _fail)
    app.add("GET", "/stream", _stream)
    app.add("GET", "/script.js", _ok)
    app.add("GET", "/private", _ok)
    async with client_of(app) as client:
        yield client


async def test_response_permits_every_origin_and_exposes_headers(client: ClientSession) -> None:
    response = await client.post("/events")

    assert response.headers[ORIGIN] == "*"
    assert response.headers["Access-Control-Expose-Headers"] == "Retry-After"
    assert "Access-Control-Allow-Methods" not in response.headers


async def test_preflight_permits_the_methods_of_the_route_and_the_requested_headers(
    client: ClientSession,
) -> None:
    headers = {"Access-Control-Request-Headers": "content-type,traceparent, x-requested-with"}
    response = await client.options("/events", headers=headers)

    assert response.status == 204
    assert response.headers[ORIGIN] == "*"
    assert response.headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"
    assert response.headers["Access-Control-Allow-Headers"] == (
        "content-type,traceparent, x-requested-with"
    )
    assert response.headers["Access-Control-Max-Age"] == "86400"


@pytest.mark.parametrize(
    "names", ["", "a; b", "<b>", "x" * 2001], ids=["none", "list", "tag", "long"]
)
async def test_preflight_does_not_echo_what_is_no_list_of_header_names(
    client: ClientSession, names: str
) -> None:
    headers = {"Access-Control-Request-Headers": names}
    response = await client.options("/events", headers=headers)

    assert response.headers["Access-Control-Allow-Headers"] == (
        "Authorization, Content-Encoding, Content-Type"
    )


@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
@pytest.mark.parametrize("origin", ["https://news.example", "null"])
async def test_policy_with_credentials_names_the_origin_in_every_response(
    client: ClientSession, method: str, origin: str
) -> None:
    response = await client.request(method, "/beacons", headers={"Origin": origin})

    assert response.headers.getall(ORIGIN) == [origin]
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Vary"] == "Origin"


async def test_policy_with_credentials_permits_every_origin_to_a_request_without_one(
    client: ClientSession,
) -> None:
    response = await client.post("/beacons")

    assert response.headers[ORIGIN] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


async def test_error_of_a_route_with_pattern_has_the_headers(client: ClientSession) -> None:
    response = await client.get("/articles/a")

    assert response.status == 404
    assert response.headers[ORIGIN] == "*"


async def test_stream_has_the_headers(client: ClientSession) -> None:
    response = await client.get("/stream")

    assert response.headers[ORIGIN] == "*"
    assert await response.read() == b"data"


async def test_embeddable_route_may_be_loaded_by_isolated_pages(client: ClientSession) -> None:
    response = await client.get("/script.js")

    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("path", ["/articles/a", "/stream", "/script.js"])
async def test_preflight_is_answered_on_every_route_with_a_policy(
    client: ClientSession, path: str
) -> None:
    headers = {"Access-Control-Request-Headers": "traceparent"}
    response = await client.options(path, headers=headers)

    assert response.status == 204
    assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert response.headers["Access-Control-Allow-Headers"] == "traceparent"


async def test_preflight_of_a_route_without_policy_is_405(client: ClientSession) -> None:
    response = await client.options("/private")

    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/private", "/missing"])
async def test_route_without_policy_has_no_headers(client: ClientSession, path: str) -> None:
    assert ORIGIN not in (await client.get(path)).headers
