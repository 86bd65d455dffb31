"""Queries from asyncio on clients of their own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from mostread.errors import ClickHouseUnavailable
from mostread.infra.clickhouse import pool
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.pool import QueryPool


class Row(msgspec.Struct):
    article_id: str
    views: int


class FakeClient:
    """A client that answers each query with one row, or fails."""

    def __init__(self) -> None:
        self.closed = False
        self.error: Exception | None = None

    def raw_query(
        self, sql: str, parameters: Mapping[str, Any], settings: object, fmt: str
    ) -> bytes:
        assert (sql, fmt) == ("SELECT 1", "JSONEachRow")
        if self.error is not None:
            raise self.error
        return b'{"article_id":"%b","views":3}\n' % str(parameters["article"]).encode()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[FakeClient]:
    """The clients that pools have connected."""
    connected: list[FakeClient] = []

    def connect(_: ClickHouseSettings, *, read_only: bool) -> FakeClient:
        assert read_only
        connected.append(FakeClient())
        return connected[-1]

    monkeypatch.setattr(pool, "connect", connect)
    return connected


async def test_pool_decodes_rows_and_reuses_its_client(
    clients: list[FakeClient], tmp_path: Path
) -> None:
    (tmp_path / "views.sql").write_text("SELECT 1")
    observed: list[str] = []
    queries = QueryPool(
        ClickHouseSettings(), tmp_path, lambda name, _: observed.append(name), threads=1
    )

    assert clients == [], "it connects on first use"
    assert await queries.rows("views", Row, {"article": "a"}) == [Row("a", 3)]
    assert await queries.rows("views", Row, {"article": "b"}) == [Row("b", 3)]
    assert observed == ["views", "views"]
    (client,) = clients
    queries.close()
    assert client.closed


async def test_pool_translates_errors_and_keeps_its_client(
    clients: list[FakeClient], tmp_path: Path
) -> None:
    (tmp_path / "views.sql").write_text("SELECT 1")
    queries = QueryPool(ClickHouseSettings(), tmp_path, lambda *_: None, threads=1)
    await queries.rows("views", Row, {"article": "a"})
    (client,) = clients

    client.error = DatabaseError("memory limit exceeded")
    with pytest.raises(ClickHouseUnavailable, match="memory limit"):
        await queries.rows("views", Row, {"article": "a"})
    client.error = None
    assert await queries.rows("views", Row, {"article": "a"}) == [Row("a", 3)]
    queries.close()
