"""Lookups: a response is complete, or the query is repeated."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from mostread.aggregator.repository import NO_PARTITION, CounterRepository, Epoch
from mostread.core.counting.counters import CounterKey
from mostread.errors import ClickHouseUnavailable
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
