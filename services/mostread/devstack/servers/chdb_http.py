"""An HTTP front for chdb that imitates ClickHouse's interface: `python -m ... DATA PORT`.

Not supported: sessions (`session_id` is ignored), compressed responses, the end of a query whose
client disconnects (max_execution_time ends it), and users: there is one password or none.
"""

import asyncio
import base64
import binascii
import gzip
import hmac
import json
import signal
import sys
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

import lz4.frame
import zstandard
from aiohttp import web

from mostread.devstack.servers.chdb_engine import (
    AUTHENTICATION_FAILED,
    INCORRECT_DATA,
    NOT_IMPLEMENTED,
    Engine,
    Statement,
    StatementError,
    StatementResult,
    http_status,
)
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.logging import configure_logging, get_logger

THREADS = 8  # reads continue while a long insert takes one of them
LARGEST_BODY = 1 << 30
LONGEST_URL = 1 << 20  # ClickHouse's http_max_uri_size

# URL parameters for the HTTP server; any other name is a setting of the statement.
NOT_SETTINGS = frozenset(
    {
        *("query", "database", "user", "password", "default_format", "query_id", "quota_key"),
        *("role", "session_id", "session_timeout", "session_check", "client_protocol_version"),
        *("stacktrace", "compress", "decompress", "wait_end_of_query", "buffer_size"),
    }
)


class Decompressor(Protocol):
    """Decompresses one frame and keeps the data after it."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _decompress_frames(new_frame: Callable[[], Decompressor], body: bytes) -> bytes:
    """Decompress all frames of `body`: clients write one per block of an insert.

    Raises EOFError where the last one is truncated.
    """
    blocks = []
    while body:
        frame = new_frame()
        blocks.append(frame.decompress(body))
        if not frame.eof:
            raise EOFError("it is truncated")
        body = frame.unused_data or b""
    return b"".join(blocks)


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.decompress,
    "lz4": partial(_decompress_frames, lz4.frame.LZ4FrameDecompressor),
    "zstd": partial(_decompress_frames, lambda: zstandard.ZstdDecompressor().decompressobj()),
}

log = get_logger("mostread.devstack.servers.chdb_http")  # run by -m, __name__ is __main__


class HttpFront:
    """The routes; requests must carry `password`, unless it is empty."""

    def __init__(self, engine: Engine, password: str) -> None:
        self._engine = engine
        self._password = password
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="clickhouse")

    def application(self) -> web.Application:
        """Return the server: /ping for health, / for statements."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/ping", _ok)
        app.router.add_route("*", "/", self.statement)
        return app

    def close(self) -> None:
        """Wait for running statements, then close the engine."""
        self._pool.shutdown()
        self._engine.close()

    async def statement(self, request: web.Request) -> web.Response:
        """Run the statement of a request in a thread and respond as ClickHouse does."""
        query_id = request.query.get("query_id") or str(uuid.uuid4())
        headers = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Server-Display-Name": "mostread",
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        try:
            self._check_password(request)
            statement = await _parse(request)
            if not statement.query and not statement.body:
                return web.Response(text="Ok.\n", headers=headers)
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self._pool, self._engine.run, statement)
        except StatementError as error:
            log.info("statement_refused", query_id=query_id, code=error.code, error=str(error))
            headers["X-ClickHouse-Exception-Code"] = str(error.code)
            return web.Response(status=http_status(error.code), text=f"{error}\n", headers=headers)
        return web.Response(body=result.data, headers=headers | _result_headers(result))

    def _check_password(self, request: web.Request) -> None:
        if self._password and not hmac.compare_digest(
            _password_of(request).encode(), self._password.encode()
        ):
            raise StatementError.because(
                AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                "Authentication failed: password is incorrect, or there is no user with such name",
            )


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


def _password_of(request: web.Request) -> str:
    """Return the password from any of the three places that ClickHouse accepts."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return request.headers.get("X-ClickHouse-Key") or request.query.get("password", "")


async def _parse(request: web.Request) -> Statement:
    arguments: Mapping[str, str] = request.query
    if request.content_type == "multipart/form-data":  # used for long parameters
        fields = await request.post()
        arguments = {**arguments, **{name: str(value) for name, value in fields.items()}}
        body = b""
    else:
        body = _decoded(await request.read(), request.headers.get("Content-Encoding", ""))
    if arguments.get("compress", "0") != "0" or arguments.get("decompress", "0") != "0":
        raise _not_implemented("the block compression of compress=1 and decompress=1")
    settings = {
        name: value
        for name, value in arguments.items()
        if name not in NOT_SETTINGS and not name.startswith("param_")
    }
    if request.method == "GET":
        settings["readonly"] = "2"  # as ClickHouse does: GET changes nothing
    return Statement(
        query=arguments.get("query", ""),
        body=body,
        database=arguments.get("database", request.headers.get("X-ClickHouse-Database", "")),
        format=request.headers.get("X-ClickHouse-Format")
        or arguments.get("default_format", "TabSeparated"),
        parameters={
            name.removeprefix("param_"): value
            for name, value in arguments.items()
            if name.startswith("param_")
        },
        settings=settings,
    )


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding not in DECODERS:
        raise _not_implemented(f"Content-Encoding: {encoding}")
    try:
        return DECODERS[encoding](body)
    except (OSError, EOFError, RuntimeError, zstandard.ZstdError) as error:
        raise StatementError.because(
            INCORRECT_DATA, "INCORRECT_DATA", f"The {encoding} body: {error}"
        ) from error


def _not_implemented(what: str) -> StatementError:
    return StatementError.because(
        NOT_IMPLEMENTED,
        "NOT_IMPLEMENTED",
        f"chdb behind this front does not support {what}",
    )


def _result_headers(result: StatementResult) -> dict[str, str]:
    summary = {
        "read_rows": str(result.read_rows),
        "written_rows": str(result.written_rows),
        "written_bytes": str(result.written_bytes),
    }
    headers = {"X-ClickHouse-Summary": json.dumps(summary)}
    if result.format:
        headers["X-ClickHouse-Format"] = result.format
    return headers


async def serve(data: Path, port: int, password: str) -> None:
    """Serve until SIGTERM or SIGINT, then finish running statements."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    front = HttpFront(Engine(data), password)
    runner = web.AppRunner(
        front.application(),
        access_log=None,
        shutdown_timeout=120,
        max_line_size=LONGEST_URL,
        auto_decompress=False,  # aiohttp has no lz4, and would keep the Content-Encoding header
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        log.info("clickhouse_ready", port=port)
        await ending.wait()
    finally:
        await runner.cleanup()
        front.close()
    log.info("clickhouse_stopped")


def main() -> None:
    """Run the server with the password of the settings, if any."""
    configure_logging("clickhouse")
    password = ClickHouseSettings().clickhouse_password.get_secret_value()
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), password))


if __name__ == "__main__":
    main()
