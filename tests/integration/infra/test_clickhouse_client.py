"""Limits of queries, which ClickHouse itself applies."""

from contextlib import nullcontext

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


@pytest.mark.parametrize(
    ("limit", "error"),
    [({}, None), ({"clickhouse_max_memory_bytes": 20_000_000}, "MEMORY_LIMIT_EXCEEDED")],
    ids=["unlimited", "limited"],
)
def test_clickhouse_ends_query_above_the_memory_of_the_settings(
    system: System, limit: dict[str, int], error: str | None
) -> None:
    client = connect(system.clickhouse.model_copy(update=limit))
    expected = pytest.raises(QueryTooLarge, match=error) if error else nullcontext()
    with expected, translate_errors():
        client.query("SELECT uniqExact(number) FROM numbers(3000000)")
    client.close()


def test_query_has_the_threads_of_the_settings(system: System) -> None:
    client = connect(system.clickhouse.model_copy(update={"clickhouse_max_threads": 3}))
    assert client.command("SELECT getSetting('max_threads')") == 3
    client.close()
