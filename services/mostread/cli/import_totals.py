"""`mostread import`, from its options to what it says it did."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import click

from mostread.cli import params as names
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clock import now_ms
from mostread.ops.imports.files import lines
from mostread.ops.imports.repository import Import, ImportStore
from mostread.ops.imports.totals import Totals, blocks, checked, imported


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=False
)
@click.option("--name", type=names.IMPORT, help="What this import is called; each is taken once.")
@click.option("--dry-run", is_flag=True, help="Check the file and change nothing.")
@click.option("--remove", type=names.IMPORT, help="Take an import back.")
@click.option("--list", "show", is_flag=True, help="Show what was imported.")
def import_totals(
    file: str | None, name: str | None, remove: str | None, *, dry_run: bool, show: bool
) -> None:
    """Add the lifetime totals that an earlier system counted.

    FILE (- for stdin) is CSV with a header, or NDJSON: article_id, views, comments, likes, and
    site if it is not "default"; gzipped or not. It is taken whole or not at all, and the same
    name with the same totals once.
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
            totals = checked(lines(content.read(), file))
        _take_in(totals, name or "", dry_run=dry_run)


def _take_in(totals: list[Totals], name: str, *, dry_run: bool) -> None:
    if dry_run:
        click.echo(f"would import {_described(imported(name, totals))}")
        return
    with _store() as store:
        done = store.take_in(imported(name, totals), blocks(totals), now_ms())
    if done.new:
        click.echo(f"imported {_described(done.what)}")
    else:
        click.echo(f"nothing to do: {_described(done.what)} were imported at {_moment(done.what)}")


def _remove(name: str) -> None:
    with _store() as store:
        was = store.remove(name, now_ms())
    click.echo(f"removed {_described(was)}" if was else f"nothing to do: there is no import {name}")


def _list() -> None:
    with _store() as store:
        for each in store.known():
            if not each.removed:
                click.echo(f"{_moment(each)}  {_described(each)}")


def _described(what: Import) -> str:
    return (
        f"{what.name}: {what.articles:,} articles with {what.views:,} views, "
        f"{what.comments:,} comments, {what.likes:,} likes"
    )


def _moment(what: Import) -> str:
    return f"{datetime.fromtimestamp(what.changed_at / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def _store() -> Iterator[ImportStore]:
    with closing(ImportStore(ClickHouseSettings())) as store:
        yield store
