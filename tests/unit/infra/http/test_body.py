"""Request bodies and their limits, as Granian hands them over."""

import asyncio
import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
import pytest
from aiohttp import ClientSession

from mostread.infra.http.application import Application
from mostread.infra.http.body import MAX_BODY_BYTES, REQUEST_BYTES
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.messages import Request, Response
from tests.support.http import url_of

CHUNKED = "Transfer-Encoding: chunked"
BUFFERED = 4 << 20
SHARE = 900_000
"""A part of a body: five of them are more than BUFFERED, four are less."""


class Answer(NamedTuple):
    status: int
    head: str
    body: bytes

    @property
    def problem(self) -> str:
        """The last part of the type of a problem."""
        return str(orjson.loads(self.body)["type"]).rpartition(":")[2]


class Upload:
    """A request whose body the test sends piece by piece."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        return Answer(int(head.split()[1]), head, await self.reader.readexactly(length))


@dataclass
class Echo:
    """A service that answers with the size of each body; `settings` are its limits."""

    stack: AsyncExitStack
    settings: ServiceSettings
    arrived: int = 0
    statuses: list[int] = field(default_factory=list)

    async def start(self) -> None:
        self.app = Application(self.settings, observe=self._observe)
        self.app.add("POST", "/", self._post)
        self.url = await self.stack.enter_async_context(url_of(self.app))

    async def upload(self, *headers: str) -> Upload:
        """Send a head, and wait until its handler reads the body."""
        port = int(self.url.rpartition(":")[2])
        upload = Upload(*await asyncio.open_connection("127.0.0.1", port))
        self.stack.callback(upload.writer.close)
        arrived = self.arrived
        lines = "\r\n".join(("POST / HTTP/1.1", "Host: test", *headers))
        await upload.send(f"{lines}\r\n\r\n".encode())
        await until(lambda: self.arrived > arrived)
        return upload

    async def _post(self, request: Request) -> Response:
        self.arrived += 1
        return Response(b"%d" % len(await self.app.bodies.read(request)))

    def _observe(self, _: str, status: int, __: float) -> None:
        self.statuses.append(status)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, up to the time limit of the test."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.01)


@asynccontextmanager
async def echoing(**settings: float) -> AsyncIterator[Echo]:
    async with AsyncExitStack() as stack:
        echo = Echo(stack, ServiceSettings().model_copy(update=settings))
        await echo.start()
        yield echo


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echoing() as echo:
        yield echo


@pytest.mark.parametrize("size", [0, 1, 70_000, MAX_BODY_BYTES])
async def test_body_of_at_most_the_limit_is_read_completely(echo: Echo, size: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(size)

    async with ClientSession(echo.url) as client:
        for data in (bytes(size), chunks()):
            async with client.post("/", data=data) as answer:
                assert (answer.status, await answer.text()) == (200, str(size))


async def test_declared_length_beyond_the_limit_is_refused_before_the_body(echo: Echo) -> None:
    upload = await echo.upload(f"Content-Length: {MAX_BODY_BYTES + 1}")

    answer = await upload.answer()

    assert (answer.status, answer.problem) == (413, "too-large")


async def test_chunked_body_beyond_the_limit_is_refused(echo: Echo) -> None:
    upload = await echo.upload(CHUNKED)
    await upload.send(b"%x\r\n%b\r\n" % (MAX_BODY_BYTES + 1, bytes(MAX_BODY_BYTES + 1)))

    answer = await upload.answer()

    assert (answer.status, answer.problem) == (413, "too-large")


async def test_refused_body_is_discarded_after_the_response(echo: Echo) -> None:
    upload = await echo.upload(f"Content-Length: {3 << 20}")
    assert (await upload.answer()).status == 413

    await upload.send(bytes(3 << 20))

    # The connection is still in use.
    await upload.send(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\na")
    assert (await upload.answer()).body == b"1"


async def test_body_that_takes_too_long_is_a_timeout_and_closes_the_connection() -> None:
    async with echoing(http_client_timeout_seconds=0.2) as echo:
        upload = await echo.upload("Content-Length: 4")
        await upload.send(b"abc")

        answer = await upload.answer()

        assert (answer.status, answer.problem) == (408, "request-timeout")
        assert "\r\nconnection: close\r\n" in answer.head
        # Granian may notice only when it receives more, or nothing for long (connections.py).
        with suppress(ConnectionError):
            await upload.send(b"d")
            assert await upload.reader.read() == b""


async def test_oldest_body_is_interrupted_at_the_limit_of_all_bodies() -> None:
    async with echoing(http_max_buffered_bytes=BUFFERED) as echo:
        uploads = [await echo.upload(f"Content-Length: {SHARE + 1}") for _ in range(5)]
        for upload in uploads:
            await upload.send(bytes(SHARE))

        oldest = await uploads[0].answer()
        for upload in uploads[1:]:
            await upload.send(b"x")
        others = [await upload.answer() for upload in uploads[1:]]

        assert (oldest.status, oldest.problem) == (503, "overloaded")
        assert "\r\nretry-after: 1\r\n" in oldest.head
        assert [(each.status, each.body) for each in others] == [(200, b"%d" % (SHARE + 1))] * 4


async def test_requests_without_any_of_their_body_count_towards_the_limit() -> None:
    async with echoing(http_max_buffered_bytes=3 * REQUEST_BYTES) as echo:
        uploads = [await echo.upload("Content-Length: 1") for _ in range(4)]

        oldest = await uploads[0].answer()
        await uploads[1].send(b"x")

        assert (oldest.status, oldest.problem) == (503, "overloaded")
        assert (await uploads[1].answer()).status == 200


async def test_memory_of_complete_bodies_is_available_again() -> None:
    async with echoing(http_max_buffered_bytes=BUFFERED) as echo:
        for _ in range(6):
            upload = await echo.upload(f"Content-Length: {SHARE + 1}")
            await upload.send(bytes(SHARE))
            await upload.send(b"x")
            assert (await upload.answer()).status == 200


async def test_body_is_interrupted_when_the_service_stops(echo: Echo) -> None:
    upload = await echo.upload("Content-Length: 4")

    echo.app.bodies.interrupt_all()

    answer = await upload.answer()
    assert (answer.status, answer.problem) == (503, "overloaded")
    assert b"The service is stopping." in answer.body


async def test_chunk_with_an_invalid_size_is_an_unreadable_body(echo: Echo) -> None:
    upload = await echo.upload(CHUNKED)
    await upload.send(b"3\r\nabc\r\nno size\r\n")

    answer = await upload.answer()

    assert (answer.status, answer.problem) == (400, "unreadable-body")


@pytest.mark.parametrize(
    ("header", "data"), [("Content-Length: 4", b"abc"), (CHUNKED, b"3\r\nabc\r\n")]
)
async def test_body_that_ends_early_is_unreadable(echo: Echo, header: str, data: bytes) -> None:
    upload = await echo.upload(header)
    await upload.send(data)
    upload.writer.close()

    await until(lambda: bool(echo.statuses))

    assert echo.statuses == [400]


@pytest.mark.parametrize(
    ("encoding", "body", "status", "text"),
    [
        ("identity", b"abc", 200, "3"),
        ("identity", BOM_UTF8 + b"abc", 200, "3"),
        ("gzip", gzip.compress(BOM_UTF8 + b"abc", mtime=0), 200, "3"),
        ("gzip", gzip.compress(bytes(MAX_BODY_BYTES), mtime=0), 200, str(MAX_BODY_BYTES)),
        ("GZIP", gzip.compress(b"abc", mtime=0), 200, "3"),
        ("x-gzip", gzip.compress(b"abc", mtime=0), 200, "3"),
        ("deflate", zlib.compress(b"abc"), 200, "3"),
        ("gzip", gzip.compress(bytes(MAX_BODY_BYTES + 1), mtime=0), 413, "problem:too-large"),
        ("gzip", b"abc", 400, "problem:unreadable-body"),
        ("gzip", b"", 400, "problem:unreadable-body"),
        ("br", b"abc", 415, "problem:unsupported-encoding"),
    ],
)
async def test_body_is_decompressed_up_to_the_limit(
    echo: Echo, encoding: str, body: bytes, status: int, text: str
) -> None:
    async with ClientSession(echo.url) as client:
        headers = {"Content-Encoding": encoding}
        async with client.post("/", data=body, headers=headers) as answer:
            assert answer.status == status
            assert text in await answer.text()
            assert answer.headers.get("Accept-Encoding") == (
                "gzip, deflate" if status == 415 else None
            )
