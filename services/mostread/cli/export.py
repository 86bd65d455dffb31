"""`mostread export`."""

import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

import click

from mostread.cli.params import SITE, stack_option
from mostread.ops.export.events import EventExport, ExportSettings
from mostread.ops.export.files import (
    ALL_TIME,
    ExportFolder,
    FileSpan,
    Format,
    days_between,
    new_file,
)
from mostread.ops.export.views import ViewExport

_DATE = click.DateTime(["%Y-%m-%d"])


@click.command()
@stack_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--what",
    type=click.Choice(["totals", "articles", "hours", "events"]),
    required=True,
    help="`totals` and `articles` are one file; `hours` and `events` are one file per day.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(get_args(Format)),
    default="csv",
    show_default=True,
    help="Format of the files; events are not exported as Parquet.",
)
@click.option("--from", "first", type=_DATE, help="First day, in UTC: 2026-11-01.")
@click.option("--to", "last", type=_DATE, help="Last day, included; today by default.")
@click.option("--site", type=SITE, help="Only this site.")
def export(
    *,
    folder: Path,
    what: str,
    form: str,
    first: datetime | None,
    last: datetime | None,
    site: str | None,
) -> None:
    """Write counts, articles or events to files in FOLDER.

    A file has its name only once it is complete. Run the command again to continue after an
    interruption: it keeps the files of days that are over, and writes the others.
    """
    periods = _periods(what, first, last)
    if what == "events" and form == "parquet":
        raise click.UsageError(
            "events are not exported as Parquet; export them as ndjson, and convert the files "
            "with DuckDB, Polars or pandas"
        )
    settings = ExportSettings()
    lateness = settings.allowed_lateness_ms // 1000 if what == "hours" else 0
    files = ExportFolder(folder, what, cast("Format", form), site or "", lateness)
    missing = [period for period in periods if not files.is_final(period)]
    size = 0
    with closing(_open(settings, files)) as source:
        if isinstance(source, EventExport) and missing:
            _warn_of_removed_records(source, missing[0])
        with click.progressbar(
            missing, label="exporting", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            for period in bar:
                with new_file(files.file(period), source.as_of()) as out:
                    source.write(period, out)
                size += files.file(period).stat().st_size
    kept = len(periods) - len(missing)
    click.echo(
        f"wrote {len(missing):,} files to {folder}, {size:,} bytes"
        + (f"; kept {kept:,} of days that are over" if kept else "")
    )


def _periods(what: str, first: datetime | None, last: datetime | None) -> Sequence[FileSpan]:
    today = datetime.now(UTC).date()
    if what in ("totals", "articles"):
        if first or last:
            raise click.UsageError(
                f"{what} have no time; leave out --from and --to, or export hours"
            )
        return [ALL_TIME]
    if first is None:
        raise click.UsageError(f"{what} need a first day; add --from, such as --from {today}")
    until = min(last.date(), today) if last else today
    if until < first.date():
        raise click.UsageError(
            f"--from {first.date()} is after {until}; name an earlier day, or a later --to"
        )
    return days_between(first.date(), until)


def _open(settings: ExportSettings, files: ExportFolder) -> ViewExport | EventExport:
    if files.what == "events":
        return EventExport(settings, files.site, files.format)
    return ViewExport(settings, files.what, files.site, files.format)


def _warn_of_removed_records(source: EventExport, first: FileSpan) -> None:
    complete_since = source.complete_since()
    if first.start < complete_since:
        since = datetime.fromtimestamp(complete_since, UTC)
        click.echo(
            f"mostread: retention has removed events before {since:%Y-%m-%dT%H:%M:%SZ}; files of "
            "earlier times lack them",
            err=True,
        )
