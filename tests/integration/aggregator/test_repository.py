"""What the counting relies on in its store, on the real ClickHouse."""

import functools
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from mostread.aggregator.repository import CheckpointRow, ClickHouseStore, Count, CounterRow
from mostread.core.counting.batch import Outcomes
from mostread.core.counting.counters import Counter, CounterKey
from mostread.core.counting.partition import Position
from mostread.core.editorial.articles import ArticleRow, article_key
from mostread.core.editorial.records import decode_change
from mostread.errors import ClickHouseUnavailable, Misconfigured, StaleEpoch
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka.topics import Topic
from mostread.ops.rebuild.tables import RebuildTables
from tests.support.system import System

COUNT = Count(Topic("events", UUID(int=1), 3), epoch=0)
REMADE = Count(Topic("events", UUID(int=2), 3), epoch=0)
# Minutes are kept 35 days, so the window is a recent one.
WINDOW = int(time.time()) // 60 * 60
KEY = CounterKey("default", "minute", WINDOW, "it's \\ 'quoted' — статья 📰")
TOTAL = CounterKey("default", "total", 0, KEY.article_id)


@pytest.fixture
def store(system: System) -> Iterator[ClickHouseStore]:
    store = ClickHouseStore(functools.partial(connect, system.clickhouse))
    yield store
    store.close()


def test_the_highest_version_is_right_whenever_it_came(store: ClickHouseStore) -> None:
    newer, older = Counter(5, 1, -1, 20), Counter(3, 0, 0, 10)
    store.write_counters(COUNT, [CounterRow(0, KEY, newer)])
    store.write_counters(COUNT, [CounterRow(0, KEY, older)])
    store.write_counters(COUNT, [CounterRow(0, KEY, newer)])
    assert store.counters(COUNT, [(0, KEY)]) == [CounterRow(0, KEY, newer)]


def test_counters_of_another_partition_topic_or_key_are_others(store: ClickHouseStore) -> None:
    store.write_counters(COUNT, [CounterRow(0, KEY, Counter(1, 0, 0, 1))])
    store.write_counters(COUNT, [CounterRow(1, TOTAL, Counter(2, 0, 0, 2))])
    assert store.counters(COUNT, [(1, KEY)]) == []
    assert store.counters(REMADE, [(0, KEY)]) == []
    found = store.counters(COUNT, [(0, KEY), (1, TOTAL), (0, KEY._replace(window=60))])
    assert sorted(found) == [
        CounterRow(0, KEY, Counter(1, 0, 0, 1)),
        CounterRow(1, TOTAL, Counter(2, 0, 0, 2)),
    ]


def test_many_counters_are_found_at_once(store: ClickHouseStore) -> None:
    rows = [
        CounterRow(n % 3, TOTAL._replace(article_id=f"статья {n}"), Counter(n, 0, 0, n))
        for n in range(12_000)
    ]
    store.write_counters(COUNT, rows)
    found = store.counters(COUNT, [(row.partition, row.key) for row in rows])
    assert sorted(found) == sorted(rows)


def test_a_position_comes_back_as_it_was_written(store: ClickHouseStore) -> None:
    assert store.positions(COUNT) == {}
    first = Position(7, 1_790_000_000_123, Outcomes(10, 6, 2, 1, 1))
    empty = Position(0, -1, Outcomes())
    store.write_checkpoints(COUNT, [CheckpointRow(0, first, 1), CheckpointRow(2, empty, 5)])
    assert store.positions(COUNT) == {0: first, 2: empty}
    further = Position(9, 1_790_000_000_200, Outcomes(12, 8, 2, 1, 1))
    store.write_checkpoints(COUNT, [CheckpointRow(0, further, 2)])
    store.write_checkpoints(COUNT, [CheckpointRow(0, first, 9)])
    assert store.positions(COUNT)[0] == further
    assert store.positions(REMADE) == {}


def test_the_last_word_on_an_article_counts(store: ClickHouseStore, system: System) -> None:
    def row(value: bytes | None, timestamp: int, offset: int) -> ArticleRow:
        said = decode_change(
            article_key("default", "a:b"), value, timestamp=timestamp, offset=offset
        )
        assert isinstance(said, ArticleRow)
        return said

    first = row(b'{"article_id":"a:b","title":"First","published_at":1790000000000}', 1000, 900)
    second = row(b'{"article_id":"a:b","title":"Second"}', 1000, 901)
    remade = row(None, 2000, 0)
    client = connect(system.clickhouse)
    query = "SELECT title, deleted, published_at IS NULL FROM articles FINAL"
    store.write_articles([first, second])
    store.write_articles([first])
    assert client.query(query).result_rows == [("Second", False, True)]
    store.write_articles([remade])
    assert client.query(query).result_rows == [("", True, True)]
    client.close()


def test_nothing_to_write_is_no_work(store: ClickHouseStore) -> None:
    store.write_counters(COUNT, [])
    store.write_checkpoints(COUNT, [])
    store.write_articles([])
    assert store.counters(COUNT, []) == []


def test_errors_say_whether_waiting_helps(system: System, store: ClickHouseStore) -> None:
    client = connect(system.clickhouse)
    client.command("DROP TABLE counters SYNC")
    with pytest.raises(Misconfigured, match="mostread init"):
        store.counters(COUNT, [(0, KEY)])
    with pytest.raises(Misconfigured, match="mostread init"):
        store.write_counters(COUNT, [CounterRow(0, KEY, Counter(1, 0, 0, 1))])
    client.close()
    nobody = system.clickhouse.model_copy(update={"clickhouse_url": "http://127.0.0.1:9"})
    away = ClickHouseStore(functools.partial(connect, nobody))
    with pytest.raises(ClickHouseUnavailable):
        away.positions(COUNT)


def test_a_count_into_tables_that_were_rebuilt_is_over(
    store: ClickHouseStore, system: System
) -> None:
    count = store.current(COUNT.topic)
    assert count == COUNT
    store.write_counters(count, [CounterRow(0, KEY, Counter(1, 0, 0, 1))])
    tables = RebuildTables(system.clickhouse)
    assert tables.create() == 1
    tables.exchange()
    tables.close()
    with pytest.raises(StaleEpoch):
        store.write_counters(count, [CounterRow(0, KEY, Counter(2, 0, 0, 2))])
    with pytest.raises(StaleEpoch):
        store.write_checkpoints(count, [CheckpointRow(0, Position(3, 0, Outcomes()), 0)])
    later = store.current(COUNT.topic)
    assert later.epoch == 1
    store.write_counters(later, [CounterRow(0, KEY, Counter(7, 0, 0, 7))])
    assert store.counters(later, [(0, KEY)]) == [CounterRow(0, KEY, Counter(7, 0, 0, 7))]
