"""Insertion of a backup into empty tables."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from mostread.errors import SchemaTooNew
from mostread.infra.schemas import migrations
from mostread.ops.backup.archive import Manifest, read_backup
from mostread.ops.backup.tables import BackupTables, restore_order


def read_restorable(folder: Path) -> Manifest:
    """Return the manifest of an undamaged backup that this version can restore.

    Raises InvalidFile and SchemaTooNew.
    """
    manifest = read_backup(folder)
    if unknown := manifest.migrations.keys() - {int(path.name[:4]) for path in migrations()}:
        raise SchemaTooNew(
            f"a newer mostread took this backup, {manifest.mostread}: it has "
            f"{manifest.migrations[max(unknown)]}; restore it with that version"
        )
    return manifest


def insert_backup(
    tables: BackupTables, folder: Path, manifest: Manifest, report_progress: Callable[[int], None]
) -> Counter[str]:
    """Insert all files; return the number of rows by table.

    Reports each file. Raises ClickHouseUnavailable or Misconfigured.
    """
    rows: Counter[str] = Counter(dict.fromkeys(manifest.tables, 0))
    for file in restore_order(manifest.files):
        rows[file.table] += tables.write(folder, file, manifest.tables[file.table])
        report_progress(1)
    return rows
