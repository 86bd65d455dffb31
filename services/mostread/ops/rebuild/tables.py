"""The tables beside the old ones, and the exchange of the two.

They lie in a database of their own, so that all that counts into tables of these names counts
into them too. Each table carries its epoch, the number of rebuilds before it, as the default of a
column and as a constraint: ClickHouse itself rejects rows that a worker writes for an earlier
epoch, whenever they arrive (schemas/clickhouse/0001_initial.sql).
"""

from collections.abc import Mapping
from pathlib import Path

from clickhouse_connect.driver.client import Client

from mostread.aggregator.repository import Count
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect, read_sql, translate_errors
from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings

_SQL = Path(__file__).parent / "sql"
_COPY_SECONDS = 24 * 3600


def beside(settings: ClickHouseSettings) -> ClickHouseSettings:
    """Return the settings of the database in which the new tables are made."""
    return settings.model_copy(
        update={"clickhouse_database": f"{settings.clickhouse_database}_rebuild"}
    )


def numbered(table: str, number: int) -> list[str]:
    """Return the statements that give a table the number of its rebuild."""
    return [
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS epoch",
        f"ALTER TABLE {table} ADD CONSTRAINT epoch CHECK epoch = {number}",
        f"ALTER TABLE {table} MODIFY COLUMN epoch DEFAULT {number}",
    ]


class Tables:
    """The old tables, in use, and the new ones. For one thread.

    Every method raises ClickHouseUnavailable or Misconfigured.
    """

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._old = settings.clickhouse_database
        self._new = beside(settings).clickhouse_database
        self._cluster = settings.clickhouse_cluster
        self._client: Client = connect(settings, seconds=_COPY_SECONDS)

    def close(self) -> None:
        self._client.close()

    def finish(self) -> bool:
        """Do the second exchange of a rebuild that was killed between the two, if one was."""
        numbers = self._numbers()
        counters, checkpoints = numbers[self._old, "counters"], numbers[self._old, "checkpoints"]
        if counters == checkpoints:
            return False
        self._exchange("counters")
        self.drop()
        return True

    def create(self) -> int:
        """Create the new tables, empty, and return the number of this rebuild.

        Raises Misconfigured where there are such tables already.
        """
        numbers = self._numbers()
        if any(database == self._new for database, _ in numbers):
            raise Misconfigured(
                f"there are tables in {self._new}: another rebuild is running, or one was cut "
                "off; if none is running: mostread rebuild --discard"
            )
        number = numbers[self._old, "counters"] + 1
        self._command(f"CREATE DATABASE IF NOT EXISTS {self._new}")
        for table in ("counters", "checkpoints"):
            new = f"{self._new}.{table}"
            self._command(f"CREATE TABLE {new} AS {self._old}.{table}")
            for statement in numbered(new, number):
                self._command(statement)
        return number

    def copy(self, count: Count, kept_until: Mapping[int, int]) -> None:
        """Copy the counters that are not counted anew.

        `kept_until` holds, for each partition of which the log has not all, until when (epoch
        seconds, inclusive) windows started that it does not have whole.
        """
        parameters = {
            "old": self._old,
            "new": self._new,
            "topic": count.topic.id,
            "partitions": list(kept_until),
            "kept_until": list(kept_until.values()),
        }
        with translate_errors():
            for name in ("copy_counters", "copy_checkpoints"):
                self._client.command(read_sql(_SQL, name), parameters=parameters)

    def exchange(self) -> None:
        """Put the new tables into the place of the old, which lie in the new database then.

        A worker that takes over between the two waits: their numbers differ.
        """
        self._exchange("checkpoints")
        self._exchange("counters")

    def drop(self) -> None:
        """Drop the database beside, with what lies in it."""
        self._command(f"DROP DATABASE IF EXISTS {self._new} SYNC")

    def _exchange(self, table: str) -> None:
        self._command(f"EXCHANGE TABLES {self._old}.{table} AND {self._new}.{table}")

    def _numbers(self) -> dict[tuple[str, str], int]:
        """Return the rebuild number of each of the tables by database and name."""
        with translate_errors():
            rows = self._client.query(
                read_sql(_SQL, "epochs"), parameters={"databases": [self._old, self._new]}
            ).result_rows
        numbers = {(database, table): int(number) for database, table, number in rows}
        if not {(self._old, "counters"), (self._old, "checkpoints")} <= numbers.keys():
            raise Misconfigured(f"there are no counters in {self._old}; run `mostread init`")
        return numbers

    def _command(self, sql: str) -> None:
        with translate_errors():
            self._client.command(on_cluster(sql, self._cluster))
