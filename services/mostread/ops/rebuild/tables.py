"""Tables of a rebuild in a staging database, and their exchange with those in use.

A separate database gives them the same table names, so the aggregator's code can write to
them. Each table carries its epoch, the number of rebuilds before it, as the default of a column and
as a constraint: ClickHouse itself rejects rows that a worker writes for an earlier epoch, whenever
they arrive (schemas/clickhouse/0001_initial.sql).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from clickhouse_connect.driver.client import Client

from mostread.aggregator.repository import Epoch
from mostread.core.control import Forget
from mostread.core.exclusions import PENDING, ExclusionEntry
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect, query_rows, read_sql, translate_errors
from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.exclusions import read_exclusions, write_exclusions
from mostread.infra.clickhouse.forgets import read_forgets

_SQL = Path(__file__).parent / "sql"
_COPY_TIMEOUT_SECONDS = 24 * 3600
_SYNCHRONOUS = {"lightweight_deletes_sync": 2}


def staging_settings(settings: ClickHouseSettings) -> ClickHouseSettings:
    """Return settings for the staging database of the new tables."""
    return settings.model_copy(
        update={"clickhouse_database": f"{settings.clickhouse_database}_rebuild"}
    )


def epoch_statements(table: str, epoch: int) -> list[str]:
    """Return the statements that set the epoch of a table."""
    return [
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS epoch",
        f"ALTER TABLE {table} ADD CONSTRAINT epoch CHECK epoch = {epoch}",
        f"ALTER TABLE {table} MODIFY COLUMN epoch DEFAULT {epoch}",
    ]


class RebuildTables:
    """The tables in use, and new ones in the staging database. For one thread.

    Every method raises ClickHouseUnavailable or Misconfigured.
    """

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._old = settings.clickhouse_database
        self._new = staging_settings(settings).clickhouse_database
        self._cluster = settings.clickhouse_cluster
        self._client: Client = connect(settings, seconds=_COPY_TIMEOUT_SECONDS)

    def close(self) -> None:
        self._client.close()

    def finish(self) -> bool:
        """Finish the exchange of an interrupted rebuild; return whether there was one."""
        epochs = self._epochs()
        counters, checkpoints = (
            epochs[self._old, "counter_versions"],
            epochs[self._old, "checkpoint_versions"],
        )
        if counters == checkpoints:
            return False
        self._exchange("counter_versions")
        self.drop()
        return True

    def create(self) -> int:
        """Create empty tables, and return their epoch.

        Raises Misconfigured if the staging database has tables already.
        """
        epochs = self._epochs()
        if any(database == self._new for database, _ in epochs):
            raise Misconfigured(
                f"the database {self._new} has tables: another rebuild is running, or one was "
                "interrupted; if none is running, run `mostread rebuild --discard`"
            )
        epoch = epochs[self._old, "counter_versions"] + 1
        self._command(f"CREATE DATABASE IF NOT EXISTS {self._new}")
        for table in ("counter_versions", "checkpoint_versions"):
            new = f"{self._new}.{table}"
            self._command(f"CREATE TABLE {new} AS {self._old}.{table}")
            for statement in epoch_statements(new, epoch):
                self._command(statement)
        return epoch

    def copy(self, epoch: Epoch, kept_until: Mapping[int, int]) -> None:
        """Copy the counters that the log cannot reproduce.

        `kept_until` holds, for each partition whose log lost its beginning, the start of the last
        window that is incomplete in the log (epoch seconds, inclusive).
        """
        parameters = {
            "old": self._old,
            "new": self._new,
            "topic": epoch.topic.id,
            "partitions": list(kept_until),
            "kept_until": list(kept_until.values()),
        }
        with translate_errors():
            self._client.command(
                read_sql(_SQL, "await_deletions"), parameters=parameters, settings=_SYNCHRONOUS
            )
            for name in ("copy_counters", "copy_checkpoints"):
                self._client.command(read_sql(_SQL, name), parameters=parameters)

    def delete_zeros(self, epoch: Epoch, counted: Iterable[tuple[int, Forget]]) -> None:
        """Delete the zeros that forgets have left in the new tables.

        `counted` are the forgets of the log with their partitions; those that it no longer has left
        zeros among the copied counters. No stale worker can write into the new tables, so nothing
        needs the zeros.
        """
        listed = read_forgets(self._client, epoch.topic.id)
        forgets = {
            (number, each.offset, each.site, each.article_id)
            for number, each in [*counted, *((n, each) for n in listed for each in listed[n])]
        }
        if not forgets:
            return
        partitions, offsets, sites, articles = zip(*sorted(forgets), strict=True)
        parameters = {
            "new": self._new,
            "topic": str(epoch.topic.id),
            "partitions": list(partitions),
            "offsets": list(offsets),
            "sites": list(sites),
            "articles": list(articles),
        }
        with translate_errors():
            self._client.command(
                read_sql(_SQL, "delete_zeros"), parameters=parameters, settings=_SYNCHRONOUS
            )

    def exclusions(self) -> list[ExclusionEntry]:
        """Return all additions and removals of exclusions."""
        return read_exclusions(self._client)

    def apply(self, entries: Iterable[ExclusionEntry], epoch: int, now: int) -> None:
        """Record that pending `entries` apply from the tables of `epoch` on.

        Before the exchange, so that workers of the new tables see them. Repeatable: until the
        exchange, no table has this epoch.
        """
        write_exclusions(
            self._client,
            [
                entry._replace(epoch=epoch, applied_at=now, version=entry.version + 1)
                for entry in entries
                if entry.epoch == PENDING
            ],
        )

    def exchange(self) -> None:
        """Exchange the new tables with those in use.

        Between the two statements epochs differ, and partition recovery waits.
        """
        self._exchange("checkpoint_versions")
        self._exchange("counter_versions")

    def drop(self) -> None:
        """Drop the staging database with its tables."""
        self._command(f"DROP DATABASE IF EXISTS {self._new} SYNC")

    def _exchange(self, table: str) -> None:
        self._command(f"EXCHANGE TABLES {self._old}.{table} AND {self._new}.{table}")

    def _epochs(self) -> dict[tuple[str, str], int]:
        """Return the epoch of each table by database and name."""
        rows = query_rows(self._client, _SQL, "epochs", databases=[self._old, self._new])
        epochs = {(database, table): int(epoch) for database, table, epoch in rows}
        if (
            not {(self._old, "counter_versions"), (self._old, "checkpoint_versions")}
            <= epochs.keys()
        ):
            raise Misconfigured(f"the database {self._old} has no counters; run `mostread init`")
        return epochs

    def _command(self, sql: str) -> None:
        with translate_errors():
            self._client.command(on_cluster(sql, self._cluster))
