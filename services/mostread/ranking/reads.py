"""Queries to ClickHouse from asyncio: a few threads, so that no query blocks the event loop."""

import asyncio
import queue
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from clickhouse_connect.driver.client import Client

from mostread.clickhouse.client import connect, told_apart
from mostread.clickhouse.queries import read_sql
from mostread.clickhouse.settings import ClickHouseSettings
from mostread.ranking.metrics import Metrics

Row = TypeVar("Row", bound=msgspec.Struct)

_QUERIES = Path(__file__).parent / "queries"


class Reads:
    """Runs the queries of queries/*.sql. Connects when first asked, so it can be made any time."""

    def __init__(self, settings: ClickHouseSettings, metrics: Metrics, *, threads: int) -> None:
        self._settings = settings
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="clickhouse")
        # A client is for one thread at a time: who needs one takes it out.
        self._idle: queue.SimpleQueue[Client] = queue.SimpleQueue()

    async def rows(self, name: str, row: type[Row], parameters: Mapping[str, Any]) -> list[Row]:
        """Run queries/<name>.sql and return its rows, each decoded into `row`.

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
            with told_apart():
                answer: bytes = client.raw_query(
                    read_sql(_QUERIES, name), parameters, fmt="JSONEachRow"
                )
        finally:
            self._idle.put(client)
            self._metrics.query_seconds.labels(name).observe(time.perf_counter() - started)
        return answer


@cache
def _decoder(row: type[Row]) -> msgspec.json.Decoder[Row]:
    return msgspec.json.Decoder(row)
