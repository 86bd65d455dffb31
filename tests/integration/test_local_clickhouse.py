"""The embedded ClickHouse answers clickhouse-connect and plain HTTP as a server does."""

from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from mostread.local.clickhouse import LocalClickHouse


@pytest.fixture(name="client")
def _client(clickhouse: LocalClickHouse) -> Iterator[Client]:
    with clickhouse_connect.get_client(dsn=clickhouse.url) as client:
        client.command("DROP DATABASE IF EXISTS front")
        client.command("CREATE DATABASE front")
        yield client


def test_rows_come_back_as_they_were_inserted(client: Client) -> None:
    client.command("CREATE TABLE front.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    summary = client.insert("front.t", [[1, "Заголовок"], [2, "🗞"]], column_names=["a", "b"])
    assert summary.written_rows == 2
    assert client.query("SELECT * FROM front.t").result_rows == [(1, "Заголовок"), (2, "🗞")]
