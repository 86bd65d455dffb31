"""Limits of queries, which ClickHouse itself applies."""

import pytest

from mostread.errors import QueryTooLarge
from mostread.infra.clickhouse.client import connect, translate_errors
from tests.support.system import System


def test_clickhouse_ends_query_before_client_gives_up(system: System) -> None:
    client, other = connect(system.clickhouse, seconds=8), connect(system.clickhouse)
    endless = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
    with pytest.raises(QueryTooLarge, match="TIMEOUT_EXCEEDED"), translate_errors():
        client.query(endless)
    assert (
        other.command(
            "SELECT countIf(query LIKE 'SELECT count() FROM numbers%') FROM system.processes"
        )
        == 0
    )
    client.close()
    other.close()
