"""Imports in ClickHouse: all or nothing, and once per name.

Rows go into a staging table, whose parts are attached to `counter_versions` in one step; only then
is the import recorded in `import_versions`. Rows without a record are the leftover of a crash,
which the next import of that name deletes first.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from clickhouse_connect.driver.client import Client

from mostread.core.counting.counters import HOUR
from mostread.core.retention import DAY_SECONDS, MINUTE_ROW_TTL_SECONDS
from mostread.errors import ClickHouseUnavailable, Misconfigured, NameTaken
from mostread.infra.clickhouse.client import connect, query_rows, read_sql, translate_errors
from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings

_SQL = Path(__file__).parent / "sql"
_NAMESPACE = UUID("6d6f7374-7265-4164-8000-696d706f7274")
_TIMEOUT_SECONDS = 3600

Block = Mapping[str, Sequence[object]]
"""Rows of `counter_versions` by column: site, grain, window, article_id, views, comments and likes.

ClickHouse accepts rows of at most 100 of its partitions (a day of minutes, a month of hours) in
one block.
"""
ROWS_PER_BLOCK = 100_000


class Import(NamedTuple):
    """A row of `import_versions`; `changed_at` in milliseconds."""

    name: str
    digest: str
    articles: int
    views: int
    comments: int
    likes: int
    removed: bool = False
    changed_at: int = 0
    version: int = 0


class MinuteRange(NamedTuple):
    """Minutes of a site; `first` and `last` are epoch seconds, inclusive."""

    site: str
    first: int
    last: int


@dataclass(frozen=True)
class ImportResult:
    """The import as recorded; `created` is False where it already existed."""

    created: bool
    record: Import


def topic_id(name: str) -> UUID:
    """Return the `topic_id` of the import `name` in `counter_versions`."""
    return uuid5(_NAMESPACE, name)


def split_blocks(columns: Block) -> Iterator[Block]:
    """Split rows into blocks that one insert can hold."""
    for start in range(0, len(columns["article_id"]), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        yield {name: values[rows] for name, values in columns.items()}


def digest(chunks: Iterable[bytes]) -> str:
    """Return the SHA-256 of the chunks, in hexadecimal."""
    sha256 = hashlib.sha256()
    for chunk in chunks:
        sha256.update(chunk)
    return sha256.hexdigest()


class ImportRepository:
    """Adds and removes imports. For one thread; `close` it.

    Every method raises ClickHouseUnavailable or Misconfigured, and can then be called again.
    """

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._database = settings.clickhouse_database
        self._cluster = settings.clickhouse_cluster
        self._client: Client = connect(settings, seconds=_TIMEOUT_SECONDS)

    def close(self) -> None:
        self._client.close()

    def imports(self, name: str = "") -> list[Import]:
        """Return all imports, or the one called `name`; removed ones included."""
        return [Import(*row) for row in self._rows("imports", name=name)]

    def find_existing(self, wanted: Import) -> Import | None:
        """Return the record of an identical import, or None if it is absent or removed.

        Raises NameTaken where its name belongs to a different import.
        """
        recorded = self.imports(wanted.name)
        if not recorded or recorded[0].removed:
            return None
        if recorded[0].digest == wanted.digest:
            return recorded[0]
        raise NameTaken(
            f"the import {wanted.name} exists with different content: "
            f"{recorded[0].articles:,} articles with {recorded[0].views:,} views; choose another "
            "--name to add to it, or remove it first: "
            f"mostread import-totals --remove {wanted.name}"
        )

    def add(self, wanted: Import, blocks: Iterable[Block], now: int) -> ImportResult:
        """Import the rows of `blocks` at `now` (ms), unless that was done. Raises NameTaken."""
        if existing := self.find_existing(wanted):
            return ImportResult(False, existing)
        recorded = self.imports(wanted.name)
        version = recorded[0].version + 1 if recorded else 0
        record = wanted._replace(changed_at=now, version=version)
        tables = self._counter_tables()
        self._delete_rows(topic_id(record.name))
        self._attach_rows(topic_id(record.name), blocks)
        self._check_unchanged(tables)
        self._write_record(record)
        return ImportResult(True, record)

    def remove(self, name: str, now: int) -> Import | None:
        """Remove an import; return its last record, or None if there was nothing to remove.

        The removal is recorded before rows are deleted: after a crash in between, remove again.
        """
        recorded = self.imports(name)
        tables = self._counter_tables()
        if recorded and not recorded[0].removed:
            version = recorded[0].version + 1
            self._write_record(recorded[0]._replace(removed=True, changed_at=now, version=version))
        deleted = self._delete_rows(topic_id(name))
        self._check_unchanged(tables)
        return recorded[0] if recorded and (deleted or not recorded[0].removed) else None

    def overlapping_views(
        self, name: str, minutes: MinuteRange, now: int
    ) -> Sequence[tuple[str, int]]:
        """Return views in `minutes` that are not of the import `name`, by source.

        `now` is in epoch seconds.
        """
        rows = self._rows(
            "overlapping_views",
            site=minutes.site,
            topic=str(topic_id(name)),
            first=minutes.first,
            last=minutes.last,
            # A day less than the TTL: rows beyond it stay visible until they are merged.
            minutes_since=(now - MINUTE_ROW_TTL_SECONDS + DAY_SECONDS) // HOUR * HOUR,
        )
        return [(source, int(views)) for source, views in rows]

    def _attach_rows(self, topic: UUID, blocks: Iterable[Block]) -> None:
        staging = f"staged_import_{topic.hex}"
        with translate_errors():
            self._command(f"DROP TABLE IF EXISTS {staging} SYNC")
            self._command(f"CREATE TABLE {staging} AS counter_versions")
            try:
                for block in blocks:
                    self._insert(staging, topic, block)
                if self._cluster:
                    # ATTACH takes the parts of this replica, which may lag behind.
                    self._client.command(f"SYSTEM SYNC REPLICA {staging}")
                # All parts appear at once: queries see the whole import or nothing of it.
                self._client.command(
                    f"ALTER TABLE counter_versions ATTACH PARTITION ALL FROM {staging}"
                )
            finally:
                self._command(f"DROP TABLE IF EXISTS {staging} SYNC")

    def _command(self, sql: str) -> None:
        self._client.command(on_cluster(sql, self._cluster))

    def _insert(self, table: str, topic: UUID, block: Block) -> None:
        rows = len(block["article_id"])
        constants = {"topic_id": topic, "partition": 0, "version": 0}
        self._client.insert(
            table,
            [*block.values(), *([value] * rows for value in constants.values())],
            column_names=[*block, *constants],
            column_oriented=True,
            settings={"async_insert": 0},
        )

    def _delete_rows(self, topic: UUID) -> bool:
        """Delete the rows of an import; return whether there were any."""
        ((count,),) = self._rows("remaining_rows", topic=str(topic))
        if count:
            with translate_errors():
                self._client.command(
                    read_sql(_SQL, "delete_rows"), parameters={"topic": str(topic)}
                )
        return bool(count)

    def _write_record(self, record: Import) -> None:
        row = {**record._asdict(), "topic_id": topic_id(record.name)}
        with translate_errors():
            self._client.insert(
                "import_versions",
                [list(row.values())],
                column_names=list(row),
                settings={"async_insert": 0},
            )

    def _counter_tables(self) -> list[tuple[str, str]]:
        """Return database and epoch of the counters in use.

        Raises ClickHouseUnavailable while `mostread rebuild` runs: it has already copied imported
        rows, and would replace the tables by ones without this change.
        """
        rows = self._rows(
            "counter_tables", database=self._database, staging=f"{self._database}_rebuild"
        )
        tables = [(row[0], row[1]) for row in rows]
        if not tables:
            raise Misconfigured("ClickHouse: a table is missing; run `mostread init`")
        if len(tables) > 1:
            raise ClickHouseUnavailable(
                "`mostread rebuild` is running or was interrupted; let it finish, then retry"
            )
        return tables

    def _check_unchanged(self, tables: list[tuple[str, str]]) -> None:
        if self._counter_tables() != tables:
            raise ClickHouseUnavailable("`mostread rebuild` ran during the import; retry")

    def _rows(self, query: str, **parameters: object) -> Sequence[Sequence[Any]]:
        return query_rows(self._client, _SQL, query, **parameters)
