"""`mostread backup` and `mostread restore`."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from mostread.aggregator.config import AggregatorSettings
from mostread.cli.params import stack_option
from mostread.errors import ClickHouseUnavailable, SchemaTooNew
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import check_applied
from mostread.infra.kafka import topics
from mostread.infra.schemas import migrations
from mostread.ops.backup.archive import (
    Manifest,
    TableFile,
    create_directory,
    read_manifest,
    write_manifest,
)
from mostread.ops.backup.offsets import check_no_members, reset_to_beginning
from mostread.ops.backup.tables import BackupTables, restore_order


@click.command()
@stack_option
@click.argument("folder", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Write all tables to FOLDER.

    FOLDER must be empty or new. Safe to run under traffic, but not during `rebuild`,
    `import-totals` or `import-logs`.
    """
    create_directory(folder)
    settings = ClickHouseSettings()
    created_at = datetime.now(UTC)
    files: list[TableFile] = []
    with closing(BackupTables(settings)) as tables:
        before = tables.fingerprint()
        for table, columns in tables.columns().items():
            files += tables.read(folder, table, columns)
        if tables.fingerprint() != before:
            raise ClickHouseUnavailable(
                "a rebuild, an import or a removal ran during the backup; run it again"
            )
        applied = tables.migrations()
    write_manifest(
        folder,
        Manifest(created_at.isoformat(), settings.clickhouse_database, applied, tuple(files)),
    )
    size = sum((folder / file.name).stat().st_size for file in files)
    click.echo(f"backed up {settings.clickhouse_database}: {len(files)} files, {size:,} bytes")


@click.command()
@stack_option
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def restore(folder: Path) -> None:
    """Restore the backup in FOLDER.

    The tables must be empty, as `mostread init` creates them. Stop all aggregators first. Started
    again, they count from Kafka what came after the backup.
    """
    settings = AggregatorSettings()
    manifest = read_manifest(folder)
    if unknown := manifest.migrations.keys() - {int(path.name[:4]) for path in migrations()}:
        raise SchemaTooNew(
            f"a newer mostread took this backup: it has {manifest.migrations[max(unknown)]}; "
            "restore it with that version"
        )
    with topics.admin(settings) as admin:
        for group in (settings.aggregator_group, settings.articles_group):
            check_no_members(admin, group)
        articles = topics.describe(admin, settings.articles_topic)
        with closing(BackupTables(settings)) as tables:
            check_applied(tables.migrations())
            tables.check_empty()
            reset_to_beginning(admin, settings.articles_group, articles.name, articles.partitions)
            tables.set_epoch(int(datetime.now(UTC).timestamp()))
            files = restore_order(manifest.files)
            with click.progressbar(files, label="restoring") as bar:
                for file in bar:
                    tables.write(folder, file)
    click.echo(
        f"restored the backup of {manifest.created_at}; start the aggregators, then run "
        "`mostread audit`"
    )
