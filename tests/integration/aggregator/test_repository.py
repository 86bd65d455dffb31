"""CounterRepository on ClickHouse."""

import functools
import time
from collections.abc import Iterator
from itertools import cycle
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from mostread.aggregator.lookup import KEYS_PER_QUERY
from mostread.aggregator.repository import (
    CheckpointRow,
    CounterRepository,
    CounterRow,
    Epoch,
)
from mostread.core.counting.batch import Outcomes
from mostread.core.counting.counters import Counter, CounterKey
from mostread.core.counting.partition import Checkpoint
from mostread.core.editorial.articles import ArticleRow, Source, article_key
from mostread.core.editorial.records import decode_change
from mostread.core.skipped import SkippedRange
from mostread.errors import ClickHouseUnavailable, Misconfigured, QueryTooLarge, StaleEpoch
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka.topics import Topic
from mostread.ops.rebuild.tables import RebuildTables
from tests.support.system import System

EPOCH = Epoch(Topic("events", UUID(int=1), 3), number=0)
RECREATED = Epoch(Topic("events", UUID(int=2), 3), number=0)
# ClickHouse deletes old minutes, so the window is recent.
WINDOW = int(time.time()) // 60 * 60
KEY = CounterKey("default", "minute", WINDOW, "it's \\ 'quoted' — статья 📰")
GRANULE = 8192  # rows, ClickHouse's default
TOTAL = CounterKey("default", "total", 0, KEY.article_id)


@pytest.fixture
def repository(system: System) -> Iterator[CounterRepository]:
    repository = CounterRepository(functools.partial(connect, system.clickhouse))
    yield repository
    repository.close()


def limited(system: System, **limits: int) -> CounterRepository:
    """Return a repository with limits of ClickHouse; close it."""

    def connected() -> Client:
        client = connect(system.clickhouse)
        for name, value in limits.items():
            client.set_client_setting(name, value)
        return client

    return CounterRepository(connected)


def test_highest_version_wins_in_any_order(repository: CounterRepository) -> None:
    newer, older = Counter(5, 1, -1, 20), Counter(3, 0, 0, 10)
    repository.write_counters(EPOCH, [CounterRow(0, KEY, newer)])
    repository.write_counters(EPOCH, [CounterRow(0, KEY, older)])
    repository.write_counters(EPOCH, [CounterRow(0, KEY, newer)])
    assert repository.counters(EPOCH, [(0, KEY)]) == [CounterRow(0, KEY, newer)]


def test_counters_differ_by_partition_topic_and_key(
    repository: CounterRepository,
) -> None:
    repository.write_counters(EPOCH, [CounterRow(0, KEY, Counter(1, 0, 0, 1))])
    repository.write_counters(EPOCH, [CounterRow(1, TOTAL, Counter(2, 0, 0, 2))])
    assert repository.counters(EPOCH, [(1, KEY)]) == []
    assert repository.counters(RECREATED, [(0, KEY)]) == []
    counters = repository.counters(EPOCH, [(0, KEY), (1, TOTAL), (0, KEY._replace(window=60))])
    assert sorted(counters) == [
        CounterRow(0, KEY, Counter(1, 0, 0, 1)),
        CounterRow(1, TOTAL, Counter(2, 0, 0, 2)),
    ]


def test_counters_returns_thousands_of_keys(repository: CounterRepository) -> None:
    rows = [
        CounterRow(n % 3, TOTAL._replace(article_id=f"статья {n}"), Counter(n, 0, 0, n))
        for n in range(12_000)
    ]
    repository.write_counters(EPOCH, rows)
    counters = repository.counters(EPOCH, [(row.partition, row.key) for row in rows])
    assert sorted(counters) == sorted(rows)


def test_skipped_returns_ranges_of_the_partition_by_offset(repository: CounterRepository) -> None:
    later = SkippedRange(1, 40, 42, 0, "it's \\ 'corrupt'", "operator")
    earlier = SkippedRange(1, 7, 12, 7, "unknown codec 6", "aggregator")
    for each in (later, earlier, later, earlier._replace(partition=2)):
        repository.write_skipped(EPOCH.topic, each)
    stored = repository.skipped(EPOCH.topic.id, 1)
    assert [each._replace(skipped_at=0) for each in stored] == [earlier, later]
    assert all(each.skipped_at > 0 for each in stored)
    assert repository.skipped(EPOCH.topic.id, 0) == []
    assert repository.skipped(RECREATED.topic.id, 1) == []


def test_keys_with_longest_ids_fit_into_one_query(repository: CounterRepository) -> None:
    keys = [
        (0, CounterKey("s" * 64, "hour", WINDOW, character * 123 + f"{n:05}"))
        for n, character in zip(range(KEYS_PER_QUERY), cycle("'\\📰"), strict=False)
    ]
    rows = [CounterRow(partition, key, Counter(1, 0, 0, 1)) for partition, key in keys[::1000]]
    repository.write_counters(EPOCH, rows)
    assert sorted(repository.counters(EPOCH, keys)) == sorted(rows)


def test_lookup_reads_only_rows_near_its_keys(system: System) -> None:
    repository = limited(system, max_rows_to_read=4 * GRANULE)
    keys = [KEY._replace(article_id=f"a{n:06}") for n in range(100_000)]
    repository.write_counters(EPOCH, [CounterRow(0, key, Counter(1, 0, 0, 1)) for key in keys])
    for key in (keys[0], keys[50_000]):
        assert repository.counters(EPOCH, [(0, key)]) == [CounterRow(0, key, Counter(1, 0, 0, 1))]
    repository.close()


def test_lookup_that_exceeds_a_limit_becomes_smaller_until_it_succeeds(system: System) -> None:
    repository = limited(system, max_rows_in_set=2_000)
    rows = [
        CounterRow(0, TOTAL._replace(site=f"site-{n}"), Counter(1, 0, 0, 1)) for n in range(9_000)
    ]
    repository.write_counters(EPOCH, rows)
    keys = [(row.partition, row.key) for row in rows]
    for _ in (20_000, 10_000, 5_000, 2_500):
        with pytest.raises(QueryTooLarge):
            repository.counters(EPOCH, keys)
    assert sorted(repository.counters(EPOCH, keys)) == sorted(rows)
    repository.close()


def test_limit_below_smallest_lookup_remains_an_error(system: System) -> None:
    repository = limited(system, max_rows_in_set=1)
    for _ in range(20):
        with pytest.raises(QueryTooLarge):
            repository.counters(EPOCH, [(0, KEY), (0, TOTAL)])
    repository.close()


def test_checkpoints_returns_latest_checkpoint(repository: CounterRepository) -> None:
    assert repository.checkpoints(EPOCH) == {}
    first = Checkpoint(7, 1_790_000_000_123, Outcomes(13, 6, 2, 1, 1, 3), lost=3)
    empty = Checkpoint(0, -1, Outcomes())
    repository.write_checkpoints(EPOCH, [CheckpointRow(0, first, 1), CheckpointRow(2, empty, 5)])
    assert repository.checkpoints(EPOCH) == {
        0: CheckpointRow(0, first, 1),
        2: CheckpointRow(2, empty, 5),
    }
    further = Checkpoint(9, 1_790_000_000_200, Outcomes(15, 8, 2, 1, 1, 3))
    repository.write_checkpoints(EPOCH, [CheckpointRow(0, further, 2)])
    repository.write_checkpoints(EPOCH, [CheckpointRow(0, first, 9)])
    assert repository.checkpoints(EPOCH)[0] == CheckpointRow(0, further, 2)
    assert repository.checkpoints(RECREATED) == {}


def test_latest_record_of_article_wins(repository: CounterRepository, system: System) -> None:
    def row(value: bytes | None, timestamp: int, offset: int) -> ArticleRow:
        message = decode_change(
            article_key("default", "a:b"), value, timestamp=timestamp, offset=offset
        )
        assert isinstance(message, ArticleRow)
        return message

    first = row(
        b'{"article_id":"a:b","title":"First","published_at":1790000000000,'
        b'"authors":["A","B"],"tags":["t"]}',
        1000,
        900,
    )
    second = row(b'{"article_id":"a:b","title":"Second"}', 1000, 901)
    recreated = row(None, 2000, 0)
    client = connect(system.clickhouse)
    described = "SELECT authors, tags, image FROM article_versions FINAL"
    query = "SELECT title, deleted, published_at IS NULL FROM article_versions FINAL"
    repository.write_articles([first])
    assert client.query(described).result_rows == [(["A", "B"], ["t"], "")]
    repository.write_articles([first, second])
    repository.write_articles([first])
    assert client.query(query).result_rows == [("Second", False, True)]
    repository.write_articles([recreated])
    assert client.query(query).result_rows == [("", True, True)]
    # A feed does not restore what a CMS deleted.
    feed = decode_change(
        article_key("default", "a:b", Source.FEED),
        b'{"article_id":"a:b","title":"Feed"}',
        timestamp=3000,
        offset=1,
    )
    assert isinstance(feed, ArticleRow)
    repository.write_articles([feed])
    assert client.query(query).result_rows == [("", True, True)]
    client.close()


def test_empty_writes_do_nothing(repository: CounterRepository) -> None:
    repository.write_counters(EPOCH, [])
    repository.write_checkpoints(EPOCH, [])
    repository.write_articles([])
    assert repository.counters(EPOCH, []) == []


def test_errors_distinguish_misconfigured_from_unavailable(
    system: System, repository: CounterRepository
) -> None:
    client = connect(system.clickhouse)
    client.command("DROP TABLE counter_versions SYNC")
    with pytest.raises(Misconfigured, match="mostread init"):
        repository.counters(EPOCH, [(0, KEY)])
    with pytest.raises(Misconfigured, match="mostread init"):
        repository.write_counters(EPOCH, [CounterRow(0, KEY, Counter(1, 0, 0, 1))])
    client.close()
    unreachable = system.clickhouse.model_copy(update={"clickhouse_url": "http://127.0.0.1:9"})
    unavailable = CounterRepository(functools.partial(connect, unreachable))
    with pytest.raises(ClickHouseUnavailable):
        unavailable.checkpoints(EPOCH)


def test_writes_after_rebuild_raise_stale_epoch(
    repository: CounterRepository, system: System
) -> None:
    epoch = repository.current_epoch(EPOCH.topic)
    assert epoch == EPOCH
    repository.write_counters(epoch, [CounterRow(0, KEY, Counter(1, 0, 0, 1))])
    tables = RebuildTables(system.clickhouse)
    assert tables.create() == 1
    tables.exchange()
    tables.close()
    with pytest.raises(StaleEpoch):
        repository.write_counters(epoch, [CounterRow(0, KEY, Counter(2, 0, 0, 2))])
    with pytest.raises(StaleEpoch):
        repository.write_checkpoints(epoch, [CheckpointRow(0, Checkpoint(3, 0, Outcomes()), 0)])
    later = repository.current_epoch(EPOCH.topic)
    assert later.number == 1
    repository.write_counters(later, [CounterRow(0, KEY, Counter(7, 0, 0, 7))])
    assert repository.counters(later, [(0, KEY)]) == [CounterRow(0, KEY, Counter(7, 0, 0, 7))]
