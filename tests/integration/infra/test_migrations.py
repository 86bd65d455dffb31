"""Databases without migrations, with interrupted ones, and of a newer version."""

import threading
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client

from mostread.errors import ClickHouseUnavailable, Misconfigured, SchemaTooNew
from mostread.infra import schemas
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.migrations import CREATE_TABLE, _apply, migrate
from mostread.infra.schemas import migrations
from tests.faults.log import produce
from tests.faults.verdict import against_recount, audit, is_counted
from tests.support.system import System, listed, wait_until

VIEWS = [(f"a-{n % 20}", b'{"type":"view","article_id":"a-%d"}' % (n % 20)) for n in range(400)]


def client(system: System, database: str | None = None) -> Client:
    return connect(system.clickhouse, database=database)


@pytest.fixture
def empty_database(system: System) -> System:
    """A database without tables."""
    name = system.clickhouse.clickhouse_database
    with closing(client(system, "default")) as server:
        server.command(f"DROP DATABASE {name} SYNC")
        server.command(f"CREATE DATABASE {name}")
    with closing(client(system)) as database:
        database.command(CREATE_TABLE)
    return system


def test_services_wait_for_migrations_and_count_after_them(empty_database: System) -> None:
    system = empty_database
    produce(system, [*VIEWS, (None, b"no event")])
    worker, ranking = system.service("aggregator"), system.service("ranking")
    for service in (worker, ranking):
        wait_until(
            lambda service=service: "lacks migration" in service.failing(),  # type: ignore[misc]
            "the readiness check names the command to run",
        )
        assert "mostread init" in service.failing()

    at_once = [threading.Thread(target=migrate, args=(system.clickhouse,)) for _ in range(3)]
    for each in at_once:
        each.start()
    for each in at_once:
        each.join()
    assert migrate(system.clickhouse) == []
    with closing(client(system)) as database:
        applied = database.query("SELECT version, name FROM schema_migrations FINAL").result_rows
    assert sorted(applied) == [(int(path.name[:4]), path.stem) for path in migrations()]

    for service in (worker, ranking):
        service.wait_ready()
    produce(system, VIEWS)
    against_recount(system)
    assert audit(system)[0] == 0
    assert is_counted(system)
    assert sum(views for _, views in listed(ranking.url, "all").values()) == 2 * len(VIEWS)
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


def test_interrupted_migration_resumes_after_any_statement(empty_database: System) -> None:
    system = empty_database
    with closing(client(system)) as database:
        done: list[str] = []
        for broken in range(50):
            try:
                done += _apply(cast("Client", CutOff(database, broken)), "")
                break
            except ClickHouseUnavailable:
                continue
        assert broken > 4, "it was cut off between any two statements"
        assert done, "at last it came through"
    assert migrate(system.clickhouse) == []
    worker = system.service("aggregator").wait_ready()
    produce(system, VIEWS)
    against_recount(system)
    assert worker.stop() == 0


def test_init_refuses_a_migration_edited_after_it_was_applied(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file, *_) = migrations()
    copy = tmp_path / "clickhouse" / file.name
    copy.parent.mkdir()
    monkeypatch.setattr(schemas, "DIRECTORY", tmp_path)
    copy.write_text(file.read_text() + "\n-- a remark\n")
    assert migrate(system.clickhouse) == []
    copy.write_text(file.read_text() + "\nCREATE TABLE more (a Int8) ENGINE = Null;\n")
    with pytest.raises(Misconfigured, match=f"{file.stem} was edited after it was applied.*; .*"):
        migrate(system.clickhouse)
    later = copy.with_name("0002_more.sql")
    later.write_text("CREATE TABLE IF NOT EXISTS more (a Int8) ENGINE = Null;\n")
    copy.write_text(file.read_text())
    assert migrate(system.clickhouse) == ["0002_more"]
    assert migrate(system.clickhouse) == []


def add_migration(system: System, version: int, name: str) -> None:
    with closing(client(system)) as database:
        database.insert("schema_migrations", [[version, name]], column_names=["version", "name"])


def test_services_run_on_newer_database_without_breaking_migration(system: System) -> None:
    add_migration(system, 9000, "9000_more")
    with pytest.raises(SchemaTooNew, match="migration 9000, which this mostread does not know"):
        migrate(system.clickhouse)
    worker = system.service("aggregator").wait_ready()
    ranking = system.service("ranking").wait_ready()
    produce(system, VIEWS)
    against_recount(system)
    add_migration(system, 9001, "9001_breaking_counters")
    wait_until(lambda: "9001_breaking_counters" in ranking.failing(), "the ranking reports it")
    assert worker.stop() == 0
    produce(system, VIEWS)
    worker.start()
    wait_until(lambda: "run the newer one" in worker.failing(), "the worker reports it")
    assert system.counted() == len(VIEWS)
