"""ClickHouse's HTTP interface in front of the embedded engine: `python -m ... DATA PORT`.

Clients and curl see an ordinary server. What it leaves out: sessions (each request stands
alone, whatever its `session_id`), compressed answers, and users: there is one password or none.
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
    Answer,
    Engine,
    Statement,
    StatementError,
    http_status,
)
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.logging import configure_logging, get_logger

THREADS = 8  # a long insert takes one of them; reads go on beside it
LARGEST_BODY = 1 << 30
LONGEST_URL = 1 << 20  # ClickHouse's http_max_uri_size

# URL parameters that speak to the HTTP server; any other name is a setting of the statement.
NOT_SETTINGS = frozenset(
    {
        *("query", "database", "user", "password", "default_format", "query_id", "quota_key"),
        *("role", "session_id", "session_timeout", "session_check", "client_protocol_version"),
        *("stacktrace", "compress", "decompress", "wait_end_of_query", "buffer_size"),
    }
)


class Frame(Protocol):
    """What decompresses one frame, and keeps what follows it."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _unframed(new_frame: Callable[[], Frame], body: bytes) -> bytes:
    """Return what all frames of `body` hold: a client writes one for each block of an insert.

    Raises EOFError where the last one is cut off.
    """
    found = []
    while body:
        frame = new_frame()
        found.append(frame.decompress(body))
        if not frame.eof:
            raise EOFError("it is cut off")
        body = frame.unused_data or b""
    return b"".join(found)


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.decompress,
    "lz4": partial(_unframed, lz4.frame.LZ4FrameDecompressor),
    "zstd": partial(_unframed, lambda: zstandard.ZstdDecompressor().decompressobj()),
}

log = get_logger("mostread.devstack.servers.chdb_http")  # run by -m, __name__ is __main__


class Front:
    """The routes; `password` is what requests must carry, or empty for none."""

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
        """Wait for the statements that still run, then close the engine."""
        self._pool.shutdown()
        self._engine.close()

    async def statement(self, request: web.Request) -> web.Response:
        """Run the one statement of a request, in a thread, and answer as ClickHouse would."""
        query_id = request.query.get("query_id") or str(uuid.uuid4())
        headers = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Server-Display-Name": "mostread",
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        try:
            self._admit(request)
            statement = await _parse(request)
            if not statement.query and not statement.body:
                return web.Response(text="Ok.\n", headers=headers)
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._pool, self._engine.run, statement)
        except StatementError as error:
            log.info("statement_refused", query_id=query_id, code=error.code, error=str(error))
            headers["X-ClickHouse-Exception-Code"] = str(error.code)
            return web.Response(status=http_status(error.code), text=f"{error}\n", headers=headers)
        return web.Response(body=answer.data, headers=headers | _described(answer))

    def _admit(self, request: web.Request) -> None:
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
    """The password by any of the three ways ClickHouse takes it."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return request.headers.get("X-ClickHouse-Key") or request.query.get("password", "")


async def _parse(request: web.Request) -> Statement:
    arguments: Mapping[str, str] = request.query
    if request.content_type == "multipart/form-data":  # how long parameters come
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
        settings["readonly"] = "2"  # as ClickHouse: a link that is followed changes nothing
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
        NOT_IMPLEMENTED, "NOT_IMPLEMENTED", f"The embedded ClickHouse does not know {what}"
    )


def _described(answer: Answer) -> dict[str, str]:
    summary = {
        "read_rows": str(answer.read_rows),
        "written_rows": str(answer.written_rows),
        "written_bytes": str(answer.written_bytes),
    }
    headers = {"X-ClickHouse-Summary": json.dumps(summary)}
    if answer.format:
        headers["X-ClickHouse-Format"] = answer.format
    return headers


async def serve(data: Path, port: int, password: str) -> None:
    """Serve until SIGTERM or SIGINT; what runs by then is finished and answered."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    front = Front(Engine(data), password)
    runner = web.AppRunner(
        front.application(),
        access_log=None,
        shutdown_timeout=120,
        max_line_size=LONGEST_URL,
        auto_decompress=False,  # it knows no lz4, and would leave the header that says gzip
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
    """Run the server; clients need the password of the settings, if there is one."""
    configure_logging("clickhouse")
    password = ClickHouseSettings().clickhouse_password.get_secret_value()
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), password))


if __name__ == "__main__":
    main()
