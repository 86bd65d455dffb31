"""The tracker scripts as served: small, built from their source, and cached by browsers."""

import gzip
from collections.abc import AsyncIterator

import esprima
import pytest
from aiohttp import ClientSession

from mostread.collector.api import tracker
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from tests.support.http import client_of
from tools import minify_tracker

MAX_BYTES = 1000
SMALL, FULL = tracker.SCRIPTS
BOTH = pytest.mark.parametrize("script", [SMALL, FULL], ids=["small", "full"])


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    app = Application(
        ServiceSettings(), cors={script.path: tracker.CORS for script in tracker.SCRIPTS}
    )
    for script in tracker.SCRIPTS:
        app.add("GET", script.path, script.get)
    async with client_of(app, auto_decompress=False) as client:
        yield client


def test_minified_trackers_match_their_source() -> None:
    source = minify_tracker.SOURCE.read_text()
    assert SMALL.body.decode() == minify_tracker.small(source), "run `make tracker`"
    assert FULL.body.decode() == minify_tracker.full(source), "run `make tracker`"


async def test_tracker_is_a_small_compressed_script(client: ClientSession) -> None:
    answer = await client.get("/tracker.js", headers={"Accept-Encoding": "br, gzip"})
    body = await answer.read()
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(body) < MAX_BYTES
    assert gzip.decompress(body) == SMALL.body
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@BOTH
@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "deflate, gzip; q=0.0"])
async def test_tracker_is_uncompressed_for_clients_without_gzip(
    client: ClientSession, script: tracker.Script, accepted: str
) -> None:
    answer = await client.get(script.path, headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert await answer.read() == script.body


@BOTH
async def test_tracker_answers_304_for_a_known_etag(
    client: ClientSession, script: tracker.Script
) -> None:
    first = await client.get(script.path)
    etag = first.headers["ETag"]
    for tags in (etag, etag.removeprefix("W/"), f'"of-another", {etag}', "*"):
        answer = await client.get(script.path, headers={"If-None-Match": tags})
        assert (answer.status, await answer.read()) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert answer.headers["Cache-Control"] == first.headers["Cache-Control"]
    answer = await client.get(script.path, headers={"If-None-Match": '"of-another"'})
    assert answer.status == 200


@BOTH
def test_tracker_avoids_unsafe_and_identifying_apis(script: tracker.Script) -> None:
    for word in (
        "document.write",
        "eval",
        "Function(",
        "cookie",
        "userAgent",
        "screen",
        "innerHTML",
    ):
        assert word not in script.body.decode()


@BOTH
def test_tracker_runs_in_browsers_of_2018(script: tracker.Script) -> None:
    text = script.body.decode()
    # The parser is of 2018 itself: it knows no optional chaining and no catch without a name.
    esprima.parseScript(text)
    # It takes any regular expression, though; Safari has known lookbehind since 2023 only.
    assert "(?<" not in text


@pytest.mark.parametrize("newer", ["a?.b", "a ??= b", "try {} catch {}", "1n"])
def test_newer_syntax_is_recognised(newer: str) -> None:
    with pytest.raises(esprima.Error):
        esprima.parseScript(newer)
