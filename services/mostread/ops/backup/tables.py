"""Reads tables of ClickHouse into a backup, and writes them back.

`checkpoint_versions` is read before the counters and written after them, as workers write it.
Counters may then be ahead of their checkpoint and never behind, which partition recovery handles as
after a crash. So a backup may be taken while the aggregators run, and an interrupted restore is
harmless.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from mostread.core.exclusions import PENDING
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import (
    connect,
    query_rows,
    read_sql,
    stream_chunks,
    translate_errors,
)
from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.exclusions import read_exclusions, write_exclusions
from mostread.infra.clickhouse.migrations import applied_migrations
from mostread.ops.backup.archive import Manifest, TableFile, write_table_file
from mostread.ops.rebuild.tables import epoch_statements

_SQL = Path(__file__).parent / "sql"
_TIMEOUT_SECONDS = 24 * 3600

# Tables that are written after others are read first.
READ_FIRST = ("checkpoint_versions", "import_versions", "placement_versions")


class BackupTables:
    """The tables of one database. For one thread; `close` it.

    Every method raises ClickHouseUnavailable or Misconfigured.
    """

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._database = settings.clickhouse_database
        self._cluster = settings.clickhouse_cluster
        self._client: Client = connect(settings, seconds=_TIMEOUT_SECONDS)

    def close(self) -> None:
        self._client.close()

    def migrations(self) -> dict[int, str]:
        """Return the names of applied migrations by number."""
        return applied_migrations(self._client)

    def columns(self) -> dict[str, Sequence[str]]:
        """Return the columns of each table, in the order in which to read the tables."""
        columns: dict[str, Sequence[str]] = {
            row[0]: row[1] for row in self._rows("columns", database=self._database)
        }
        if not columns.keys() >= {"checkpoint_versions", "counter_versions", "import_versions"}:
            raise Misconfigured(
                f"the database {self._database} has no counters; run `mostread init`"
            )
        first = [table for table in READ_FIRST if table in columns]
        return {table: columns[table] for table in [*first, *sorted(columns.keys() - {*first})]}

    def epoch(self) -> int:
        """Return the epoch of the counters."""
        ((epoch,),) = self._rows("epoch", database=self._database)
        return int(epoch)

    def fingerprint(self) -> Sequence[Sequence[Any]]:
        """Return a value that a rebuild, an import or a removal changes."""
        return self._rows("fingerprint", database=self._database)

    def restore_exclusions(self, epoch: int) -> None:
        """Leave to the next rebuild what an unfinished one after `epoch` was about to apply.

        The tables have a later epoch now, and counters of `epoch`.
        """
        entries = read_exclusions(self._client)
        write_exclusions(
            self._client,
            [
                entry._replace(epoch=PENDING, applied_at=None, version=entry.version + 1)
                for entry in entries
                if epoch < entry.epoch < PENDING
            ],
        )

    def read(self, folder: Path, table: str, columns: Sequence[str]) -> Iterator[TableFile]:
        """Write the rows of `table` to files, one per ClickHouse partition."""
        for (partition,) in self._rows("partitions", table=table):
            name = f"{table}.{partition}.native.gz"
            sql = read_sql(_SQL, "partition_rows").format(
                columns=", ".join(columns), table=table, partition=partition
            )
            write_table_file(folder, name, stream_chunks(self._client, sql, "Native"))
            yield TableFile(table, name)

    def check_fits(self, manifest: Manifest) -> None:
        """Raise Misconfigured if these tables cannot hold what a backup has."""
        columns = self.columns()
        for table, wanted in manifest.tables.items():
            if lacking := [name for name in wanted if name not in columns.get(table, ())]:
                raise Misconfigured(
                    f"the backup has {table}.{lacking[0]}, which the tables of this mostread lack; "
                    f"restore it with the version that took it, {manifest.mostread}"
                )

    def check_empty(self) -> None:
        """Raise Misconfigured if a table has rows."""
        for table in self.columns():
            if rows := self.row_count(table):
                raise Misconfigured(
                    f"{self._database}.{table} has {rows:,} rows, and restore needs empty tables; "
                    f"drop the database {self._database}, or set MOSTREAD_CLICKHOUSE_DATABASE to "
                    "another one"
                )

    def set_epoch(self, epoch: int) -> None:
        """Set an epoch that no worker knows, so that ClickHouse refuses their rows."""
        for table in ("counter_versions", "checkpoint_versions"):
            for sql in epoch_statements(table, epoch):
                with translate_errors():
                    self._client.command(on_cluster(sql, self._cluster))

    def write(self, folder: Path, file: TableFile, columns: Sequence[str]) -> int:
        """Insert the rows of a file into its table; return how many."""
        with translate_errors(), (folder / file.name).open("rb") as content:
            inserted = self._client.raw_insert(
                file.table,
                columns,
                content,
                fmt="Native",
                compression="gzip",
                settings={"async_insert": 0},
            )
        return int(inserted.written_rows)

    def row_count(self, table: str) -> int:
        """Return the number of rows of a table, older versions of them included."""
        ((rows,),) = self._rows("row_count", table=table)
        return int(rows)

    def keep_expired_rows(self) -> None:
        """Remove the TTL of every table, so that none loses rows."""
        for (table,) in self._rows("with_ttl", database=self._database):
            with translate_errors():
                self._client.command(on_cluster(f"ALTER TABLE {table} REMOVE TTL", self._cluster))

    def contradictions(self) -> dict[str, int]:
        """Return the number of rows that contradict each invariant."""
        return {str(invariant): int(rows) for invariant, rows in self._rows("invariants")}

    def _rows(self, query: str, **parameters: object) -> Sequence[Sequence[Any]]:
        return query_rows(self._client, _SQL, query, **parameters)


def restore_order(files: Sequence[TableFile]) -> list[TableFile]:
    """Return the files in the order in which to write them."""
    rank: Mapping[str, int] = {
        table: number for number, table in enumerate(reversed(READ_FIRST), 1)
    }
    return sorted(files, key=lambda file: rank.get(file.table, 0))
