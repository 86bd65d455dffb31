"""`mostread import-totals`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import click

from mostread.cli import params
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clock import now_ms
from mostread.ops.imports.files import parse_file
from mostread.ops.imports.repository import Import, ImportRepository
from mostread.ops.imports.totals import (
    COLUMNS,
    ArticleTotals,
    totals_blocks,
    totals_import,
    validate_lines,
)


@click.command()
@params.stack_option
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=False
)
@click.option("--name", type=params.IMPORT, help="Name of the import; each is imported once.")
@click.option("--dry-run", is_flag=True, help="Check the file and change nothing.")
@click.option("--remove", type=params.IMPORT, help="Remove an import.")
@click.option("--list", "show", is_flag=True, help="List all imports.")
def import_totals(
    file: str | None, name: str | None, remove: str | None, *, dry_run: bool, show: bool
) -> None:
    """Add lifetime totals from an earlier system.

    FILE (- for stdin) is CSV with a header, or NDJSON, optionally gzipped: article_id, views,
    comments, likes, and site unless it is "default". The import is atomic, and repeating it
    changes nothing.
    """
    if (file is not None) + (remove is not None) + show != 1:
        raise click.UsageError("give one of FILE, --remove NAME and --list")
    if file is not None and name is None:
        raise click.UsageError("give the import a --name")
    if remove is not None:
        _remove(remove)
    elif file is None:
        _list()
    else:
        with click.open_file(file, "rb") as content:
            totals = validate_lines(parse_file(content.read(), file, COLUMNS))
        _import(totals, name or "", dry_run=dry_run)


def _import(totals: list[ArticleTotals], name: str, *, dry_run: bool) -> None:
    wanted = totals_import(name, totals)
    if dry_run:
        click.echo(f"would import {_describe(wanted)}")
        return
    with _repository() as repository:
        result = repository.add(wanted, totals_blocks(totals), now_ms())
    description = _describe(result.record)
    if result.created:
        click.echo(f"imported {description}")
    else:
        click.echo(f"nothing to do: {description} were imported at {_timestamp(result.record)}")


def _remove(name: str) -> None:
    with _repository() as repository:
        removed = repository.remove(name, now_ms())
    if removed:
        click.echo(f"removed {_describe(removed)}")
    else:
        click.echo(f"nothing to do: no import is named {name}")


def _list() -> None:
    with _repository() as repository:
        for record in repository.imports():
            if not record.removed:
                click.echo(f"{_timestamp(record)}  {_describe(record)}")


def _describe(record: Import) -> str:
    return (
        f"{record.name}: {record.articles:,} articles with {record.views:,} views, "
        f"{record.comments:,} comments, {record.likes:,} likes"
    )


def _timestamp(record: Import) -> str:
    return f"{datetime.fromtimestamp(record.changed_at / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def _repository() -> Iterator[ImportRepository]:
    with closing(ImportRepository(ClickHouseSettings())) as repository:
        yield repository
