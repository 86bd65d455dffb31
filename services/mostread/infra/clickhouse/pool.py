"""Read-only ClickHouse queries from asyncio, on a few threads."""

import asyncio
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from clickhouse_connect.driver.client import Client

from mostread.infra.clickhouse.client import connect, read_sql, translate_errors
from mostread.infra.clickhouse.config import ClickHouseSettings

_SETTINGS = {"max_query_size": 4 << 20}
"""A year of hours, each with its weights, exceeds the default of 256 KiB."""

Row = TypeVar("Row", bound=msgspec.Struct)
Result = TypeVar("Result")


class QueryPool:
    """Runs the SQL files of one directory on threads; connects on first use.

    `observe` receives the name and duration, in seconds, of each query.
    """

    def __init__(
        self,
        settings: ClickHouseSettings,
        sql: Path,
        observe: Callable[[str, float], None],
        *,
        threads: int,
    ) -> None:
        self._settings = settings
        self._sql = sql
        self._observe = observe
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="clickhouse")
        # A client serves one thread at a time, so a query takes one out of the queue.
        self._idle: queue.SimpleQueue[Client] = queue.SimpleQueue()

    async def rows(self, name: str, row: type[Row], parameters: Mapping[str, Any]) -> list[Row]:
        """Run <name>.sql and return its rows, decoded into `row`.

        Raises ClickHouseUnavailable or Misconfigured.
        """

        def read(client: Client) -> bytes:
            response: bytes = client.raw_query(
                read_sql(self._sql, name), dict(parameters), settings=_SETTINGS, fmt="JSONEachRow"
            )
            return response

        return _decoder(row).decode_lines(await self.run(name, read))

    async def run(self, name: str, call: Callable[[Client], Result]) -> Result:
        """Return the result of `call` with a client, observed as the query `name`.

        Raises ClickHouseUnavailable or Misconfigured.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, name, call)

    def close(self) -> None:
        """Wait for running queries, then close every connection."""
        self._pool.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _run(self, name: str, call: Callable[[Client], Result]) -> Result:
        started = time.perf_counter()
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = connect(self._settings, read_only=True)
        try:
            with translate_errors():
                return call(client)
        finally:
            self._idle.put(client)
            self._observe(name, time.perf_counter() - started)


@cache
def _decoder(row: type[Row]) -> msgspec.json.Decoder[Row]:
    return msgspec.json.Decoder(row)
