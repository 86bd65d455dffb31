"""`mostread backup` and `mostread restore`, from their options to what they say they did."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from mostread.aggregator.config import AggregatorSettings
from mostread.errors import ClickHouseUnavailable, SchemaTooNew
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import check_applied
from mostread.infra.kafka import topics
from mostread.infra.schemas import migrations
from mostread.ops.backup.archive import Manifest, Part, prepare, read_manifest, write_manifest
from mostread.ops.backup.offsets import check_nobody_counts, read_again
from mostread.ops.backup.tables import BackedUp, in_order


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Write all tables into FOLDER, which must be empty or new, while everything runs.

    Not while `mostread rebuild`, `import` or `replay` does.
    """
    prepare(folder)
    settings = ClickHouseSettings()
    made_at = datetime.now(UTC)
    parts: list[Part] = []
    with closing(BackedUp(settings)) as tables:
        before = tables.state()
        for table, columns in tables.columns().items():
            parts += tables.read(folder, table, columns)
        if tables.state() != before:
            raise ClickHouseUnavailable(
                "tables were rebuilt, imported or removed meanwhile; take the backup again"
            )
        applied = tables.migrations()
    write_manifest(
        folder,
        Manifest(made_at.isoformat(), settings.clickhouse_database, applied, tuple(parts)),
    )
    size = sum((folder / part.file).stat().st_size for part in parts)
    click.echo(f"backed up {settings.clickhouse_database}: {len(parts)} files, {size:,} bytes")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def restore(folder: Path) -> None:
    """Put the backup in FOLDER into the empty tables that `mostread init` made.

    No aggregator may run meanwhile. What came after the backup is counted from Kafka as soon as
    one runs again.
    """
    settings = AggregatorSettings()
    manifest = read_manifest(folder)
    if unknown := manifest.migrations.keys() - {int(path.name[:4]) for path in migrations()}:
        raise SchemaTooNew(
            f"the backup is of a newer mostread, which made {manifest.migrations[max(unknown)]}; "
            "restore it by that one"
        )
    with topics.admin(settings) as admin:
        check_nobody_counts(admin, settings.aggregator_group)
        articles = topics.describe(admin, settings.articles_topic)
        with closing(BackedUp(settings)) as tables:
            check_applied(tables.migrations())
            tables.check_empty()
            read_again(admin, settings.aggregator_group, articles.name, articles.partitions)
            tables.number(int(datetime.now(UTC).timestamp()))
            parts = in_order(manifest.parts)
            with click.progressbar(parts, label="restoring") as shown:
                for part in shown:
                    tables.write(folder, part)
    click.echo(
        f"restored the backup of {manifest.made_at}; start the aggregators, and see with "
        "`mostread audit` that all is as the log says"
    )
