"""Routes, as clients write their paths."""

from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import ClientSession
from yarl import URL

from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.messages import Request, Response
from mostread.infra.http.routing import Handler
from tests.support.http import client_of

ARTICLE = "/articles/{article_id}"
Observed = list[tuple[str, int]]


def named(name: str) -> Handler:
    """Return a handler that answers with its name and the parameters of the path."""

    async def handler(request: Request) -> Response:
        return Response.json(orjson.dumps([name, dict(request.path_params)]))

    return handler


@pytest.fixture
def observed() -> Observed:
    """Path and status of each response, as the service measures it."""
    return []


@pytest.fixture
async def client(observed: Observed) -> AsyncIterator[ClientSession]:
    app = Application(
        ServiceSettings(), observe=lambda path, status, _: observed.append((path, status))
    )
    # The order of these lines does not matter.
    app.add("GET", ARTICLE, named("article"))
    app.add("PUT", ARTICLE, named("put"))
    app.add("GET", f"{ARTICLE}/series", named("series"))
    app.add("GET", "/articles/top", named("static"))
    app.add("GET", "/static/{name}.js", named("script"))
    app.add("GET", "/pixel", named("pixel"), head=False)
    app.add("GET", "/v1/events", named("events"))
    app.add_aliases("/v1/events", "/v1/items")
    async with client_of(app) as client:
        yield client


def url(client: ClientSession, path: str) -> URL:
    """Return a URL whose path the client sends as it is."""
    base = client._base_url
    assert base
    return URL(f"{base.origin()}{path}", encoded=True)


@pytest.mark.parametrize(
    ("path", "name", "article_id"),
    [
        ("/articles/a", "article", "a"),
        ("/articles/a/b", "article", "a/b"),
        ("/articles/2026%2F11%2Fa", "article", "2026/11/a"),
        ("/articles/%7Ba%7D", "article", "{a}"),
        ("/articles/{a}", "article", "{a}"),
        ("/articles/a%20b+c%3Fd%23e%25f", "article", "a b+c?d#e%f"),
        ("/articles/%D0%B0%F0%9F%90%AB", "article", "а🐫"),
        ("/articles/a%0Ab", "article", "a\nb"),
        ("/articles/%FF", "article", "\ufffd"),
        ("/articles/..", "article", ".."),
        ("/articles/a/", "article", "a/"),
        ("/articles//", "article", "/"),
        ("/articles/a?b=c/series", "article", "a"),
        ("/articles/top/x", "article", "top/x"),
        ("/articles/a/series", "series", "a"),
        ("/articles/a%2Fb/series", "series", "a/b"),
        ("/articles/a/series/series", "series", "a/series"),
        ("/articles/series", "article", "series"),
        ("/articles/a/seriesx", "article", "a/seriesx"),
    ],
)
async def test_path_is_matched_by_its_longest_fixed_part(
    client: ClientSession, path: str, name: str, article_id: str
) -> None:
    answer = await client.get(url(client, path))

    assert await answer.json() == [name, {"article_id": article_id}]


async def test_static_path_takes_precedence_over_a_pattern(client: ClientSession) -> None:
    assert await (await client.get("/articles/top")).json() == ["static", {}]


async def test_dot_in_a_pattern_matches_only_a_dot(client: ClientSession) -> None:
    assert await (await client.get("/static/a.b.js")).json() == ["script", {"name": "a.b"}]
    assert (await client.get("/static/a-js")).status == 404


@pytest.mark.parametrize(
    "path", ["/articles", "/articles/", "/nothing", "/pixel/", "//pixel", "/v1/event"]
)
async def test_path_without_a_route_is_404_and_measured_as_other(
    client: ClientSession, observed: Observed, path: str
) -> None:
    answer = await client.get(url(client, path))

    assert answer.status == 404
    assert observed == [("other", 404)]


@pytest.mark.parametrize(
    "path", ["/v1/events", "/v1/items", "/v1/events/", "//v1/events", "/v1//items//", "//v1/items"]
)
async def test_alias_and_superfluous_slashes_lead_to_the_route(
    client: ClientSession, observed: Observed, path: str
) -> None:
    assert await (await client.get(url(client, path))).json() == ["events", {}]
    assert observed == [("/v1/events", 200)]


async def test_request_is_measured_by_the_pattern_of_its_route(
    client: ClientSession, observed: Observed
) -> None:
    await client.get("/articles/a")
    await client.post("/articles/b/series")

    assert observed == [(ARTICLE, 200), (f"{ARTICLE}/series", 405)]


async def test_head_has_the_headers_of_get_and_no_body(client: ClientSession) -> None:
    got = await client.get("/articles/a")
    answer = await client.head("/articles/a")

    assert (answer.status, await answer.read()) == (200, b"")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Length"] == got.headers["Content-Length"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/articles/a", "GET, HEAD, PUT"),
        ("DELETE", "/articles/a/series", "GET, HEAD"),
        ("PUT", "/articles/top", "GET, HEAD"),
        ("HEAD", "/pixel", "GET"),
        ("OPTIONS", "/pixel", "GET"),
        ("BREW", "/pixel", "GET"),
    ],
)
async def test_wrong_method_is_405_with_the_methods_of_the_route(
    client: ClientSession, method: str, path: str, allow: str
) -> None:
    answer = await client.request(method, path)

    assert (answer.status, answer.headers["Allow"]) == (405, allow)
