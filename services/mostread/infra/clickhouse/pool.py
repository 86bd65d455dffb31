"""Queries to ClickHouse from asyncio: a few threads, so that no query blocks the event loop."""

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

Row = TypeVar("Row", bound=msgspec.Struct)


class QueryPool:
    """Run the queries of one directory of SQL files, each on a thread. Connect on first use.

    `observe` is called with the name and the seconds of each query.
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
        # A client is for one thread at a time: who needs one takes it out.
        self._idle: queue.SimpleQueue[Client] = queue.SimpleQueue()

    async def rows(self, name: str, row: type[Row], parameters: Mapping[str, Any]) -> list[Row]:
        """Run <name>.sql and return its rows, each decoded into `row`.

        Raises ClickHouseUnavailable or Misconfigured.
        """
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._pool, self._read, name, dict(parameters))
        return _decoder(row).decode_lines(answer)

    def close(self) -> None:
        """Wait for the queries that run, then close every connection."""
        self._pool.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _read(self, name: str, parameters: dict[str, Any]) -> bytes:
        started = time.perf_counter()
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = connect(self._settings)
        try:
            with translate_errors():
                answer: bytes = client.raw_query(
                    read_sql(self._sql, name), parameters, fmt="JSONEachRow"
                )
        finally:
            self._idle.put(client)
            self._observe(name, time.perf_counter() - started)
        return answer


@cache
def _decoder(row: type[Row]) -> msgspec.json.Decoder[Row]:
    return msgspec.json.Decoder(row)
