"""The tables of ClickHouse, out of it and into it.

`checkpoints` is read before the counters and put back after them, as workers write it. Then
counters may be ahead of it and never behind, which is what a worker meets that takes over after
a crash: so a backup may be taken while everything runs, and a restore may be cut off.
"""

from collections.abc import Iterator, Mapping, Sequence
from io import IOBase
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect, read_sql, translate_errors
from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import applied_migrations
from mostread.ops.backup.archive import Part, write_part
from mostread.ops.rebuild.tables import numbered

_SQL = Path(__file__).parent / "sql"
_LONGEST_SECONDS = 24 * 3600
_CHUNK = 1 << 20

# Of two tables of which one is written after the other, the later goes first.
_FIRST = ("checkpoints", "imports", "placements")


class BackedUp:
    """The tables of one database. For one thread; `close` it.

    Every method raises ClickHouseUnavailable or Misconfigured.
    """

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._database = settings.clickhouse_database
        self._cluster = settings.clickhouse_cluster
        self._client: Client = connect(settings, seconds=_LONGEST_SECONDS)

    def close(self) -> None:
        self._client.close()

    def migrations(self) -> dict[int, str]:
        """Return the migrations that were applied, by number."""
        return applied_migrations(self._client)

    def columns(self) -> dict[str, Sequence[str]]:
        """Return the columns of each table, the tables in the order in which to read them."""
        found: dict[str, Sequence[str]] = {
            row[0]: row[1] for row in self._rows("columns", database=self._database)
        }
        if not found.keys() >= {"checkpoints", "counters", "imports"}:
            raise Misconfigured(f"there are no counters in {self._database}; run `mostread init`")
        first = [table for table in _FIRST if table in found]
        return {table: found[table] for table in [*first, *sorted(found.keys() - {*first})]}

    def state(self) -> Sequence[Sequence[Any]]:
        """Return what is another after a rebuild, an import or its removal."""
        return self._rows("state", database=self._database)

    def read(self, folder: Path, table: str, columns: Sequence[str]) -> Iterator[Part]:
        """Write the rows of `table` into files, one for each of ClickHouse's partitions."""
        for (partition,) in self._rows("partitions", table=table):
            file = f"{table}.{partition}.native.gz"
            sql = read_sql(_SQL, "part").format(
                columns=", ".join(columns), table=table, partition=partition
            )
            with translate_errors():
                stream = self._client.raw_stream(
                    sql,
                    fmt="Native",
                    # An error after the first rows would else come as rows.
                    transport_settings={"wait_end_of_query": "1"},
                )
                sha256 = write_part(folder, file, _chunks(stream))
            yield Part(table, file, tuple(columns), sha256)

    def check_empty(self) -> None:
        """Raise Misconfigured where there are rows already."""
        for table in self.columns():
            ((rows,),) = self._rows("row_count", table=table)
            if rows:
                raise Misconfigured(
                    f"{self._database}.{table} has {rows:,} rows; a backup goes into empty tables: "
                    f"drop the database {self._database}, or name another one by "
                    "MOSTREAD_CLICKHOUSE_DATABASE"
                )

    def number(self, number: int) -> None:
        """Give the tables a number that no worker knows: what one still writes is refused."""
        for table in ("counters", "checkpoints"):
            for sql in numbered(table, number):
                with translate_errors():
                    self._client.command(on_cluster(sql, self._cluster))

    def write(self, folder: Path, part: Part) -> None:
        """Put the rows of a file into their table."""
        with translate_errors(), (folder / part.file).open("rb") as file:
            self._client.raw_insert(
                part.table,
                part.columns,
                file,
                fmt="Native",
                compression="gzip",
                settings={"async_insert": 0},
            )

    def _rows(self, query: str, **parameters: object) -> Sequence[Sequence[Any]]:
        with translate_errors():
            found: Sequence[Sequence[Any]] = self._client.query(
                read_sql(_SQL, query), parameters=parameters
            ).result_rows
        return found


def in_order(parts: Sequence[Part]) -> list[Part]:
    """Return the parts in the order in which to put them back."""
    later: Mapping[str, int] = {table: number for number, table in enumerate(reversed(_FIRST), 1)}
    return sorted(parts, key=lambda part: later.get(part.table, 0))


def _chunks(stream: IOBase) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk
