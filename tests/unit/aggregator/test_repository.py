"""Lookups: a response is complete, or the query is repeated."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from mostread.aggregator.repository import NO_PARTITION, CounterRepository, Epoch
from mostread.core.counting.counters import CounterKey
from mostread.errors import ClickHouseUnavailable, QueryTooLarge
from mostread.infra.kafka.topics import Topic

KEY = CounterKey("default", "total", 0, "a")
ROW = b'[0,"default","total",0,"a",1,0,0,5]\n'
END = b'[%d,"","total",0,"",0,0,0,0]\n' % NO_PARTITION


def look_up(response: bytes) -> list[int]:
    """Return the versions of the counters in a response of ClickHouse."""
    client = SimpleNamespace(raw_query=lambda *_, **__: response, close=lambda: None)
    repository = CounterRepository(lambda: cast("Any", client))
    epoch = Epoch(Topic("events", UUID(int=1), 1), 0)
    return [row.counter.version for row in repository.counters(epoch, [(0, KEY)])]


def test_complete_response_is_read_without_its_end() -> None:
    assert look_up(ROW + END) == [5]
    assert look_up(END) == []


def test_lookups_halve_until_even_the_smallest_is_too_large() -> None:
    sizes: list[int] = []

    def refuse(sql: str, **_: object) -> bytes:
        sizes.append(sql.count("article-"))
        error = DatabaseError("memory limit exceeded")
        error.code = 241
        raise error

    client = SimpleNamespace(raw_query=refuse, close=lambda: None)
    repository = CounterRepository(lambda: cast("Any", client))
    epoch = Epoch(Topic("events", UUID(int=1), 1), 0)
    keys = [(0, KEY._replace(article_id=f"article-{number}")) for number in range(500)]
    for _ in range(12):
        with pytest.raises(QueryTooLarge) as raised:
            repository.counters(epoch, keys)
    assert sizes[0] == 500
    assert sizes[-1] == 100
    assert "a lookup of only 100 counters exceeds a limit" in str(raised.value)


@pytest.mark.parametrize(
    "response",
    [
        b"",
        ROW,
        ROW + END[:10],
        ROW + b"Code: 159. DB::Exception: Timeout exceeded: elapsed 9.1 seconds",
        ROW + b'{"exception": "Code: 241. DB::Exception: memory limit exceeded"}',
    ],
    ids=["empty", "without its end", "cut off", "error as text", "error as JSON"],
)
def test_incomplete_response_is_an_outage(response: bytes) -> None:
    with pytest.raises(ClickHouseUnavailable, match="incomplete"):
        look_up(response)
