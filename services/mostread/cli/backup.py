"""`mostread backup` and `mostread restore`."""

import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from mostread.aggregator.config import AggregatorSettings
from mostread.cli.audit import run_audit
from mostread.cli.params import BackupRules, TimeParam, stack_option
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import check_applied
from mostread.infra.clock import now_ms
from mostread.infra.healthcheck import tcp_error
from mostread.infra.kafka import topics
from mostread.ops.audit.auditor import AuditSettings
from mostread.ops.audit.diff import Scope
from mostread.ops.backup.archive import newest_backup
from mostread.ops.backup.creation import create_backup, remove_old_backups
from mostread.ops.backup.metrics import write_metrics
from mostread.ops.backup.offsets import check_no_members, reset_to_beginning
from mostread.ops.backup.rehearsal import check_invariants, fill_trial, trial_database
from mostread.ops.backup.restoring import insert_backup, read_restorable
from mostread.ops.backup.tables import BackupTables

FOLDER = click.Path(path_type=Path, file_okay=False)
BACKUP = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group()
def backup() -> None:
    """Write backups, and prove that they can be restored."""


@backup.command()
@stack_option
@click.argument("folder", type=FOLDER)
@click.option(
    "--keep",
    "rules",
    type=BackupRules(),
    metavar="daily=7,weekly=4",
    help="Then remove every other backup in FOLDER, except for the last one of each of so many "
    "recent periods (last, hourly, daily, weekly, monthly, yearly).",
)
@click.option(
    "--verify", is_flag=True, help="Rehearse a restore of the backup, before others are removed."
)
@click.option(
    "--textfile",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write metrics of the backup to this file, for the node exporter.",
)
def create(
    folder: Path, rules: Mapping[str, int] | None, verify: bool, textfile: Path | None
) -> None:
    """Write all tables to a new backup in FOLDER, named by its time.

    Safe to run under traffic, but not during `rebuild`, `import-totals` or `import-logs`. Others
    are removed once the new backup is complete and read back.
    """
    started = time.monotonic()
    created_at = datetime.now(UTC)
    path = create_backup(ClickHouseSettings(), folder, created_at)
    duration = time.monotonic() - started
    sizes = [each.stat().st_size for each in path.iterdir()]
    click.echo(f"{path}: {len(sizes)} files, {sum(sizes):,} bytes")
    if verify:
        _verify(path, since=None, discard=False)
    if rules:
        for removed in remove_old_backups(folder, rules):
            click.echo(f"removed {removed}")
    if textfile:
        write_metrics(
            textfile, created_at=created_at.timestamp(), size=sum(sizes), duration=duration
        )


@backup.command()
@stack_option
@click.argument("path", metavar="BACKUP", type=BACKUP)
@click.option(
    "--since",
    type=TimeParam(),
    help="Compare with Kafka only windows from this time on, which reads less of the topic: a time "
    "(2026-01-31T12:00, UTC) or an age (24h).",
)
@click.option("--discard", is_flag=True, help="Drop the database of an interrupted verification.")
def verify(path: Path, since: int | None, discard: bool) -> None:
    """Rehearse a restore of BACKUP, or of the newest backup in the folder BACKUP.

    Checks every file, restores them into the database <database>_verify, checks its rows, audits it
    against Kafka if that responds, and drops it. Exits with code 1 if anything is wrong. Changes
    nothing else, and is safe to run under traffic.
    """
    _verify(newest_backup(path), since=since, discard=discard)


def _verify(path: Path, *, since: int | None, discard: bool) -> None:
    settings = AuditSettings()
    manifest = read_restorable(path)
    click.echo(
        f"{path}: {len(manifest.files)} files have their checksums; taken by mostread "
        f"{manifest.mostread} at {manifest.created_at} from {manifest.database}"
    )
    with trial_database(settings, discard=discard) as trial:
        with (
            closing(BackupTables(trial)) as tables,
            click.progressbar(
                length=len(manifest.files),
                label="restoring",
                file=sys.stderr,
                hidden=not sys.stderr.isatty(),
            ) as bar,
        ):
            rows = fill_trial(tables, path, manifest, bar.update)
            invariants = check_invariants(tables)
        click.echo(f"restored {rows:,} rows into {len(manifest.tables)} tables")
        for invariant in invariants:
            click.echo(f"holds: {invariant}")
        _compare_with_kafka(
            settings.model_copy(update={"clickhouse_database": trial.clickhouse_database}), since
        )
    click.echo("the backup can be restored")


def _compare_with_kafka(settings: AuditSettings, since: int | None) -> None:
    """Print an audit of the restored tables; exit with code 1 if anything differs."""
    errors = {broker: tcp_error(broker) for broker in settings.bootstrap_servers}
    if all(errors.values()):
        reasons = ", ".join(f"{broker}: {error}" for broker, error in errors.items())
        click.echo(f"not compared with the log, since no Kafka broker responds ({reasons})")
        return
    scope = Scope(now_ms() // 1000, None, None if since is None else since / 1000)
    report = run_audit(settings, scope, show=20)
    for line in report.lines():
        click.echo(line)
    if report.difference_count:
        sys.exit(1)


@click.command()
@stack_option
@click.argument("path", metavar="BACKUP", type=BACKUP)
def restore(path: Path) -> None:
    """Restore BACKUP, or the newest backup in the folder BACKUP.

    The tables must be empty, as `mostread init` creates them. Stop all aggregators first. Started
    again, they count from Kafka what came after the backup.
    """
    settings = AggregatorSettings()
    path = newest_backup(path)
    manifest = read_restorable(path)
    with topics.admin(settings) as admin:
        for group in (settings.aggregator_group, settings.articles_group):
            check_no_members(admin, group)
        articles = topics.describe(admin, settings.articles_topic)
        with closing(BackupTables(settings)) as tables:
            check_applied(tables.migrations())
            tables.check_fits(manifest)
            tables.check_empty()
            reset_to_beginning(admin, settings.articles_group, articles.name, articles.partitions)
            tables.set_epoch(int(datetime.now(UTC).timestamp()))
            with click.progressbar(length=len(manifest.files), label="restoring") as bar:
                insert_backup(tables, path, manifest, bar.update)
            tables.restore_exclusions(manifest.epoch)
    click.echo(f"restored {path}; start the aggregators, then run `mostread audit`")
