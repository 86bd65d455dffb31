"""Requests through an application: ambiguous heads, streams, and measurements."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.messages import Request, Response, StreamResponse
from tests.support.http import url_of
from tests.support.tools import tool


class Streams:
    """A service with streams, which counts those that have begun and ended."""

    def __init__(self) -> None:
        self.began = 0
        self.ended = asyncio.Event()
        self.observed: list[tuple[str, int]] = []
        self.app = Application(
            ServiceSettings(), observe=lambda path, status, _: self.observed.append((path, status))
        )
        self.app.add("GET", "/stream", self._stream)
        self.app.add("GET", "/broken", self._broken)
        self.app.add("GET", "/file", self._file)
        self.app.add("GET", "/", self._describe)
        self.app.add("POST", "/", self._describe)

    async def _describe(self, request: Request) -> Response:
        described = (request.peer, request.host, request.scheme, request.query.get("a"))
        return Response("|".join(map(str, described)).encode())

    async def _stream(self, _: Request) -> StreamResponse:
        async def chunks() -> AsyncGenerator[bytes, None]:
            self.began += 1
            try:
                while True:
                    yield b"chunk"
                    await asyncio.Event().wait()
            finally:
                self.ended.set()

        return StreamResponse(chunks(), {"X-Test": "stream"})

    async def _file(self, _: Request) -> StreamResponse:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"first"
            yield b"last"

        return StreamResponse(chunks(), {}, is_endless=False)

    async def _broken(self, _: Request) -> StreamResponse:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"chunk"
            raise ZeroDivisionError

        return StreamResponse(chunks(), {})


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
async def url(streams: Streams) -> AsyncIterator[str]:
    async with url_of(streams.app) as url:
        yield url


async def raw(url: str, *lines: str) -> str:
    """Return the response to a head, up to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write("\r\n".join((*lines, "", "")).encode())
    response = await reader.read()
    writer.close()
    await writer.wait_closed()
    return response.decode().lower()


@pytest.mark.parametrize(
    "headers",
    [
        ["Host: a", "Host: a"],
        ["Host: a", "Host: b"],
        ["Host: a", "Transfer-Encoding: gzip, chunked"],
        ["Host: a", "Transfer-Encoding: gzip"],
        ["Host: a", "Content-Length: 1", "Content-Length: 2"],
        ["Host: a", "Content-Length: 1, 2"],
        ["Host: a", "Content-Length: +1"],
        ["Host: a", "Content-Length : 1"],
        ["Host: a", "X-Folded: a", " b"],
        ["Host: a", "X-Null: \0"],
    ],
)
async def test_ambiguous_head_is_refused_and_closes_the_connection(
    url: str, headers: list[str]
) -> None:
    response = await raw(url, "POST / HTTP/1.1", *headers)

    assert response.startswith("http/1.1 400 bad request\r\n")
    assert "connection: close\r\n" in response


async def test_request_has_its_origin_and_the_first_value_of_a_parameter(url: str) -> None:
    response = await raw(
        url, "GET /?a=1&a=2 HTTP/1.1", "Host: news.example:8081", "Connection: close"
    )

    assert response.endswith("\r\n\r\n127.0.0.1|news.example:8081|http|1")


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
async def test_head_has_the_length_and_no_body(url: str, version: str) -> None:
    curl = await asyncio.create_subprocess_exec(
        *(tool("curl"), "--silent", "--head", version, f"{url}/?a=1"),
        stdout=asyncio.subprocess.PIPE,
    )
    response, _ = await curl.communicate()

    assert curl.returncode == 0
    length = len(f"127.0.0.1|{urlsplit(url).netloc}|http|1")
    assert f"content-length: {length}\r\n".encode() in response.lower()


async def test_stream_ends_when_the_client_disconnects(url: str, streams: Streams) -> None:
    async with ClientSession(url) as client, client.get("/stream") as response:
        assert response.headers["X-Test"] == "stream"
        assert await response.content.readexactly(5) == b"chunk"
        assert not streams.ended.is_set()

    await streams.ended.wait()
    assert streams.observed == []


async def test_stream_of_limited_size_is_measured(url: str, streams: Streams) -> None:
    async with ClientSession(url) as client, client.get("/file") as response:
        assert await response.read() == b"firstlast"

    assert streams.observed == [("/file", 200)]


async def test_stream_ends_when_the_service_stops(url: str, streams: Streams) -> None:
    async with ClientSession(url) as client, client.get("/stream") as response:
        assert await response.content.readexactly(5) == b"chunk"

        streams.app.stop()

        assert await response.content.read() == b""
    assert streams.ended.is_set()


async def test_stream_ends_at_once_while_the_service_stops(url: str, streams: Streams) -> None:
    streams.app.stop()

    async with ClientSession(url) as client, client.get("/stream") as response:
        assert await response.read() == b""
    assert streams.began == 0


async def test_stream_ends_when_its_chunks_fail(url: str) -> None:
    with capture_logs() as logs:
        async with ClientSession(url) as client, client.get("/broken") as response:
            assert await response.read() == b"chunk"

    assert [(each["event"], each["path"]) for each in logs] == [("stream_failed", "/broken")]


async def test_head_of_a_stream_ends_at_once(url: str, streams: Streams) -> None:
    async with ClientSession(url) as client, client.head("/stream") as response:
        assert (response.headers["X-Test"], await response.read()) == ("stream", b"")
        await streams.ended.wait()


async def test_request_above_the_limit_gets_503_at_once() -> None:
    # HTTP/2 permits many requests per connection, so the limit of connections does not bound them.
    app = Application(ServiceSettings(http_max_connections=10))
    released = asyncio.Event()

    async def wait(_: Request) -> Response:
        await released.wait()
        return Response()

    app.add("GET", "/", wait)
    async with url_of(app) as url, ClientSession(url) as client:
        tasks = [asyncio.create_task(_status(client)) for _ in range(11)]
        (refused,), _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        released.set()
        assert refused.result() == 503
        assert sorted([await task for task in tasks]) == [200] * 10 + [503]


async def _status(client: ClientSession) -> int:
    async with client.get("/") as response:
        return response.status
