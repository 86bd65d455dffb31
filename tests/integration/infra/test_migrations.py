"""Databases of other versions than this: older, newer, and half way between."""

import threading
from contextlib import closing
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client

from mostread.errors import ClickHouseUnavailable, SchemaTooNew
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.migrations import REMEMBERED, _apply, migrate, statements
from mostread.infra.schemas import migrations
from mostread.ops.audit.reference import recount
from tests.faults.log import produce, topic_of
from tests.faults.verdict import against_recount, audit, is_counted
from tests.support.system import System, listed, wait_until

# What the first release wrote, word for word: it must be taken for ever.
COUNTERS = (
    "site", "grain", "window", "article_id", "topic_id", "partition", "rebuild",
    "views", "comments", "likes", "version",
)  # fmt: skip
PROGRESS = (
    "topic", "topic_id", "partition", "partitions", "rebuild", "next_offset", "record_time",
    "as_of", "received", "counted", "duplicate", "late", "dead_lettered",
)  # fmt: skip

VIEWS = [(f"a-{n % 20}", b'{"type":"view","article_id":"a-%d"}' % (n % 20)) for n in range(400)]


def client(system: System, database: str | None = None) -> Client:
    return connect(system.clickhouse, database=database)


@pytest.fixture
def first_release(system: System) -> System:
    """A database as the first release made and filled it, of what is in the log until now."""
    name = system.clickhouse.clickhouse_database
    with closing(client(system, "default")) as server:
        server.command(f"DROP DATABASE {name} SYNC")
        server.command(f"CREATE DATABASE {name}")
    with closing(client(system)) as database:
        database.command(REMEMBERED)
        for statement in statements(migrations()[0].read_text()):
            database.command(statement)
        database.insert(
            "schema_migrations", [[1, "0001_counters"]], column_names=["version", "name"]
        )
    produce(system, [*VIEWS, (None, b"no event")])
    write_as_first_release(system)
    return system


def write_as_first_release(system: System) -> None:
    """Write the counters and positions of the whole log."""
    topic = topic_of(system)
    with closing(client(system)) as database:
        for number, records in system.log().items():
            if not records:
                continue
            truth, last = recount(records), records[-1]
            rows: list[list[Any]] = [
                [site, grain, window, article, topic.id, number, 0, *numbers, last.offset]
                for (site, grain, window, article), numbers in truth.counters.items()
            ]
            database.insert("counters", rows, column_names=COUNTERS)
            outcomes = [
                truth.outcomes.get(name, 0)
                for name in ("received", "counted", "duplicate", "late", "dead_lettered")
            ]
            row = [topic.name, topic.id, number, topic.partitions, 0, last.offset + 1]
            times = [last.timestamp, last.timestamp]
            database.insert("progress", [[*row, *times, *outcomes]], column_names=PROGRESS)


def test_a_filled_database_of_the_first_release_is_migrated_under_its_services(
    first_release: System,
) -> None:
    system = first_release
    before, outcomes = system.counters(), system.outcomes()
    assert sum(len(each) for each in before.values()) >= 60
    worker, ranking = system.service("aggregator"), system.service("ranking")
    for service in (worker, ranking):
        wait_until(
            lambda service=service: "lacks migration" in service.failing(),  # type: ignore[misc]
            "it says what to do",
        )
        assert "mostread init" in service.failing()
    assert system.counters() == before

    at_once = [threading.Thread(target=migrate, args=(system.clickhouse,)) for _ in range(3)]
    for each in at_once:
        each.start()
    for each in at_once:
        each.join()
    assert migrate(system.clickhouse) == []
    with closing(client(system)) as database:
        applied = database.query("SELECT version, name FROM schema_migrations FINAL").result_rows
    assert sorted(applied) == [(int(path.name[:4]), path.stem) for path in migrations()]
    assert (system.counters(), system.outcomes()) == (before, outcomes)

    for service in (worker, ranking):
        service.wait_ready()
    produce(system, VIEWS)
    against_recount(system)
    assert audit(system)[0] == 0
    assert sum(views for _, views in listed(ranking.url, "all").values()) == 2 * len(VIEWS)
    # A worker of the first release that is not replaced yet.
    assert worker.stop() == 0
    produce(system, VIEWS[:100])
    write_as_first_release(system)
    worker.start().wait_ready()
    against_recount(system)
    assert is_counted(system)
    assert worker.stop() == 0


class CutOff:
    """A client whose connection breaks after so many statements."""

    def __init__(self, client: Client, statements: int) -> None:
        self._client = client
        self.left = statements

    def command(self, sql: str) -> object:
        self._count()
        return self._client.command(sql)

    def insert(self, *arguments: Any, **named: Any) -> object:
        self._count()
        return self._client.insert(*arguments, **named)

    def query(self, sql: str) -> object:
        return self._client.query(sql)

    def _count(self) -> None:
        if self.left == 0:
            raise ClickHouseUnavailable("cut off")
        self.left -= 1


def test_a_migration_cut_off_anywhere_is_done_again(first_release: System) -> None:
    before = first_release.counters()
    with closing(client(first_release)) as database:
        done: list[str] = []
        for broken in range(50):
            try:
                done += _apply(cast("Client", CutOff(database, broken)), "")
                break
            except ClickHouseUnavailable:
                continue
        assert broken > 4, "it was cut off between any two statements"
        assert done, "at last it came through"
    assert migrate(first_release.clickhouse) == []
    assert first_release.counters() == before
    worker = first_release.service("aggregator").wait_ready()
    produce(first_release, VIEWS)
    against_recount(first_release)
    assert worker.stop() == 0


def add_migration(system: System, version: int, name: str) -> None:
    with closing(client(system)) as database:
        database.insert("schema_migrations", [[version, name]], column_names=["version", "name"])


def test_on_a_newer_database_services_work_unless_it_would_do_harm(system: System) -> None:
    add_migration(system, 9000, "9000_more")
    with pytest.raises(SchemaTooNew, match="migration 9000, which this mostread does not know"):
        migrate(system.clickhouse)
    worker = system.service("aggregator").wait_ready()
    ranking = system.service("ranking").wait_ready()
    produce(system, VIEWS)
    against_recount(system)
    add_migration(system, 9001, "9001_breaking_counters")
    wait_until(lambda: "9001_breaking_counters" in ranking.failing(), "the ranking says so")
    assert worker.stop() == 0
    produce(system, VIEWS)
    worker.start()
    wait_until(lambda: "run the newer one" in worker.failing(), "the worker says so")
    assert system.counted() == len(VIEWS)
