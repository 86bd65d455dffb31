"""Rehearsal of a restore, in a database of its own that is dropped afterwards."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mostread.errors import InvalidFile, Misconfigured
from mostread.infra.clickhouse.client import connect, translate_errors
from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import migrate
from mostread.ops.backup.archive import Manifest
from mostread.ops.backup.restoring import insert_backup
from mostread.ops.backup.tables import BackupTables


@contextmanager
def trial_database(settings: ClickHouseSettings, *, discard: bool) -> Iterator[ClickHouseSettings]:
    """Create `<database>_verify` and yield settings for it; drop it at the end.

    With `discard` a database of that name is dropped first. Raises Misconfigured if it exists.
    """
    name = f"{settings.clickhouse_database}_verify"
    trial = settings.model_copy(update={"clickhouse_database": name})
    with closing(connect(settings, database="default")) as server:

        def drop() -> None:
            with translate_errors():
                server.command(
                    on_cluster(f"DROP DATABASE IF EXISTS {name} SYNC", settings.clickhouse_cluster)
                )

        if discard:
            drop()
        with translate_errors():
            exists = server.command(
                "SELECT count() FROM system.databases WHERE name = {name:String}", {"name": name}
            )
        if exists:
            raise Misconfigured(
                f"the database {name} exists: another verification is running, or one was "
                "interrupted; if none is running, add --discard"
            )
        try:
            migrate(trial)
            yield trial
        finally:
            drop()


def fill_trial(
    tables: BackupTables,
    folder: Path,
    manifest: Manifest,
    report_progress: Callable[[int], None],
) -> int:
    """Restore a backup into the tables of a trial database; return the number of rows.

    Reports each file. Raises InvalidFile if a table lacks rows, and ClickHouseUnavailable or
    Misconfigured.
    """
    tables.check_fits(manifest)
    tables.keep_expired_rows()
    tables.set_epoch(manifest.epoch)
    inserted = insert_backup(tables, folder, manifest, report_progress)
    for table, rows in inserted.items():
        if rows != (stored := tables.row_count(table)):
            raise InvalidFile(
                f"{table} has {stored:,} of the {rows:,} rows of its files; choose another backup"
            )
    return inserted.total()


def check_invariants(tables: BackupTables) -> list[str]:
    """Return the invariants that hold. Raises InvalidFile for one that does not."""
    contradictions = tables.contradictions()
    for invariant, rows in contradictions.items():
        if rows:
            raise InvalidFile(
                f"{rows:,} rows contradict: {invariant}; choose another backup, and run "
                "`mostread audit` on the system it is from"
            )
    return list(contradictions)
