"""Creation of a backup, and removal of those that need not be kept."""

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from mostread.errors import ClickHouseUnavailable
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.ops.backup.archive import (
    Manifest,
    TableFile,
    backups,
    new_backup,
    remove_backup,
    write_manifest,
)
from mostread.ops.backup.retention import kept
from mostread.ops.backup.tables import BackupTables


def create_backup(settings: ClickHouseSettings, folder: Path, created_at: datetime) -> Path:
    """Write all tables to a new backup in `folder`; return its path.

    Raises ClickHouseUnavailable, Misconfigured and NameTaken; no backup exists then.
    """
    files: list[TableFile] = []
    with closing(BackupTables(settings)) as tables, new_backup(folder, created_at) as unfinished:
        before, epoch, columns = tables.fingerprint(), tables.epoch(), tables.columns()
        for table, names in columns.items():
            files += tables.read(unfinished, table, names)
        if tables.fingerprint() != before:
            raise ClickHouseUnavailable(
                "a rebuild, an import or a removal ran during the backup; run it again"
            )
        write_manifest(
            unfinished,
            Manifest(
                mostread=version("mostread"),
                created_at=created_at.isoformat(),
                database=settings.clickhouse_database,
                epoch=epoch,
                migrations=tables.migrations(),
                tables={table: tuple(names) for table, names in columns.items()},
                files=tuple(files),
            ),
        )
    return backups(folder)[-1].path


def remove_old_backups(folder: Path, rules: Mapping[str, int]) -> list[Path]:
    """Remove the backups that no rule keeps; return their paths."""
    stored = backups(folder)
    keep = kept([each.created_at for each in stored], rules)
    removed = [each.path for each in stored if each.created_at not in keep]
    for path in removed:
        remove_backup(path)
    return removed
