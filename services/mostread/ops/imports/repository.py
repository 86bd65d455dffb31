"""Imports in ClickHouse: each all or nothing, and under its name once.

The rows are written into a table beside, which is then attached to `counters` in one step, and
after that the import is noted in `imports`. What a crash leaves in between has no note: the
next import of that name takes it away before it begins.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from clickhouse_connect.driver.client import Client

from mostread.errors import ClickHouseUnavailable, Misconfigured, NameTaken
from mostread.infra.clickhouse.client import connect, read_sql, told_apart
from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings

_SQL = Path(__file__).parent / "sql"
_NAMESPACE = UUID("6d6f7374-7265-4164-8000-696d706f7274")
_LONGEST_SECONDS = 3600

Block = Mapping[str, Sequence[object]]
"""Rows of `counters` by column: site, grain, window, article_id, views, comments and likes.

ClickHouse takes at most 100 of its partitions (a day of minutes, a month of hours) in a block.
"""
ROWS_A_BLOCK = 100_000


class Import(NamedTuple):
    """A row of `imports`; `changed_at` in milliseconds."""

    name: str
    digest: str
    articles: int
    views: int
    comments: int
    likes: int
    removed: bool = False
    changed_at: int = 0
    version: int = 0


@dataclass(frozen=True)
class Done:
    """What came of an import; `new` says whether anything was changed."""

    new: bool
    what: Import


def topic_id(name: str) -> UUID:
    """Return what stands for the topic of the import `name` in `counters`."""
    return uuid5(_NAMESPACE, name)


class ImportStore:
    """Takes imports in and back. For one thread; `close` it.

    Every method raises ClickHouseUnavailable or Misconfigured, and may be called again then.
    """

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._database = settings.clickhouse_database
        self._cluster = settings.clickhouse_cluster
        self._client: Client = connect(settings, seconds=_LONGEST_SECONDS)

    def close(self) -> None:
        self._client.close()

    def known(self, name: str = "") -> list[Import]:
        """Return the imports that were made, or that of a name; those removed among them."""
        return [Import(*row) for row in self._rows("imports", name=name)]

    def made(self, what: Import) -> Import | None:
        """Return the note of this import if it was made, None if it was not, or was removed.

        Raises NameTaken where its name holds another.
        """
        known = self.known(what.name)
        if not known or known[0].removed:
            return None
        if known[0].digest == what.digest:
            return known[0]
        raise NameTaken(
            f"{what.name} was imported already, and was not the same: {known[0].articles:,} "
            f"articles with {known[0].views:,} views. Give it another --name if it is to be "
            f"added to that, or take that back first: mostread import --remove {what.name}"
        )

    def take_in(self, what: Import, blocks: Iterable[Block], now: int) -> Done:
        """Import the rows of `blocks` as `what`, unless that was done. Raises NameTaken."""
        if made := self.made(what):
            return Done(False, made)
        known = self.known(what.name)
        new = what._replace(changed_at=now, version=known[0].version + 1 if known else 0)
        tables = self._tables()
        self._delete(topic_id(new.name))
        self._attach(topic_id(new.name), blocks)
        self._check_same(tables)
        self._note(new)
        return Done(True, new)

    def remove(self, name: str, now: int) -> Import | None:
        """Take the import back; return what it was, None where there was none.

        It is noted first: cut off after that, it is to be removed again.
        """
        known = self.known(name)
        tables = self._tables()
        if known and not known[0].removed:
            version = known[0].version + 1
            self._note(known[0]._replace(removed=True, changed_at=now, version=version))
        deleted = self._delete(topic_id(name))
        self._check_same(tables)
        return known[0] if known and (deleted or not known[0].removed) else None

    def _attach(self, topic: UUID, blocks: Iterable[Block]) -> None:
        staging = f"import_{topic.hex}"
        with told_apart():
            self._change(f"DROP TABLE IF EXISTS {staging} SYNC")
            self._change(f"CREATE TABLE {staging} AS counters")
            try:
                for block in blocks:
                    self._insert(staging, topic, block)
                if self._cluster:
                    # What is attached is what this replica has, and it may lack some yet.
                    self._client.command(f"SYSTEM SYNC REPLICA {staging}")
                # All parts appear at once: whoever reads sees the whole import or nothing of it.
                self._client.command(f"ALTER TABLE counters ATTACH PARTITION ALL FROM {staging}")
            finally:
                self._change(f"DROP TABLE IF EXISTS {staging} SYNC")

    def _change(self, sql: str) -> None:
        self._client.command(on_cluster(sql, self._cluster))

    def _insert(self, table: str, topic: UUID, block: Block) -> None:
        rows = len(block["article_id"])
        same = {"topic_id": topic, "partition": 0, "version": 0}
        self._client.insert(
            table,
            [*block.values(), *([value] * rows for value in same.values())],
            column_names=[*block, *same],
            column_oriented=True,
            settings={"async_insert": 0},
        )

    def _delete(self, topic: UUID) -> bool:
        """Delete the rows of an import, if there are any."""
        ((count,),) = self._rows("remaining_rows", topic=str(topic))
        if count:
            with told_apart():
                self._client.command(
                    read_sql(_SQL, "delete_rows"), parameters={"topic": str(topic)}
                )
        return bool(count)

    def _note(self, what: Import) -> None:
        row = {**what._asdict(), "topic_id": topic_id(what.name)}
        with told_apart():
            self._client.insert(
                "imports",
                [list(row.values())],
                column_names=list(row),
                settings={"async_insert": 0},
            )

    def _tables(self) -> list[tuple[str, str]]:
        """Return which tables are in use. Raises where `mostread rebuild` is at work: it has
        copied what is imported, and would exchange the tables for those without this change.
        """
        rows = self._rows("state", database=self._database, beside=f"{self._database}_rebuild")
        found = [(row[0], row[1]) for row in rows]
        if not found:
            raise Misconfigured("ClickHouse: a table is missing; run `mostread init`")
        if len(found) > 1:
            raise ClickHouseUnavailable(
                "`mostread rebuild` is running, or was cut off; let it end, and run this again"
            )
        return found

    def _check_same(self, tables: list[tuple[str, str]]) -> None:
        if self._tables() != tables:
            raise ClickHouseUnavailable("`mostread rebuild` ran meanwhile; run this again")

    def _rows(self, query: str, **parameters: object) -> Sequence[Sequence[Any]]:
        with told_apart():
            rows: Sequence[Sequence[Any]] = self._client.query(
                read_sql(_SQL, query), parameters=parameters
            ).result_rows
        return rows
