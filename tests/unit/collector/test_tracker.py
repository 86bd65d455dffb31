"""The tracker as served: small, built from its source, and cached by browsers."""

import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from mostread.collector.api import tracker
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from tests.support.http import client_of
from tools.minify_tracker import SERVED, SOURCE, minified

MAX_BYTES = 1000


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    app = Application(ServiceSettings(), cors={tracker.PATH: tracker.CORS})
    app.add("GET", tracker.PATH, tracker.get_tracker)
    async with client_of(app, auto_decompress=False) as client:
        yield client


def test_minified_tracker_matches_its_source() -> None:
    assert SERVED.read_text() == minified(SOURCE.read_text()), "run `make tracker`"


async def test_tracker_is_a_small_compressed_script(client: ClientSession) -> None:
    answer = await client.get("/tracker.js", headers={"Accept-Encoding": "br, gzip"})
    body = await answer.read()
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(body) < MAX_BYTES
    assert gzip.decompress(body) == SERVED.read_bytes()
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "deflate, gzip; q=0.0"])
async def test_tracker_is_uncompressed_for_clients_without_gzip(
    client: ClientSession, accepted: str
) -> None:
    answer = await client.get("/tracker.js", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert await answer.read() == SERVED.read_bytes()


async def test_tracker_answers_304_for_a_known_etag(client: ClientSession) -> None:
    first = await client.get("/tracker.js")
    etag = first.headers["ETag"]
    for tags in (etag, etag.removeprefix("W/"), f'"of-another", {etag}', "*"):
        answer = await client.get("/tracker.js", headers={"If-None-Match": tags})
        assert (answer.status, await answer.read()) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert answer.headers["Cache-Control"] == first.headers["Cache-Control"]
    answer = await client.get("/tracker.js", headers={"If-None-Match": '"of-another"'})
    assert answer.status == 200


def test_tracker_avoids_unsafe_and_identifying_apis() -> None:
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
