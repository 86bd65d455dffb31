"""The tracker as it is served: small, as its source says, and kept by browsers."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mostread.collector.api.tracker import tracker
from tools.minify_tracker import SERVED, SOURCE, minified

MOST_BYTES = 1000
Client = TestClient[Any, Any]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_get("/tracker.js", tracker)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


def test_it_is_what_its_source_says() -> None:
    assert SERVED.read_text() == minified(SOURCE.read_text()), "run `make tracker`"


async def test_it_is_small_and_a_script(client: Client) -> None:
    answer = await client.get("/tracker.js", headers={"Accept-Encoding": "br, gzip"})
    body = await answer.read()
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(body) < MOST_BYTES
    assert gzip.decompress(body) == SERVED.read_bytes()
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "deflate, gzip; q=0.0"])
async def test_who_does_not_take_gzip_gets_it_plain(client: Client, accepted: str) -> None:
    answer = await client.get("/tracker.js", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert await answer.read() == SERVED.read_bytes()


async def test_who_has_it_gets_nothing(client: Client) -> None:
    first = await client.get("/tracker.js")
    etag = first.headers["ETag"]
    for known in (etag, etag.removeprefix("W/"), f'"of-another", {etag}', "*"):
        answer = await client.get("/tracker.js", headers={"If-None-Match": known})
        assert (answer.status, await answer.read()) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert answer.headers["Cache-Control"] == first.headers["Cache-Control"]
    answer = await client.get("/tracker.js", headers={"If-None-Match": '"of-another"'})
    assert answer.status == 200


def test_it_neither_writes_documents_nor_evaluates_text() -> None:
    served = SERVED.read_text()
    for word in (
        "document.write",
        "eval",
        "Function(",
        "cookie",
        "userAgent",
        "screen",
        "innerHTML",
    ):
        assert word not in served
