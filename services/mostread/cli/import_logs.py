"""`mostread replay`, from its options to what it says it did."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import click

from mostread.cli import params as names
from mostread.cli.params import Moment
from mostread.core.counting.counters import MINUTE, MINUTE_MS
from mostread.errors import InvalidFile, Overlapping
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clock import now_ms
from mostread.ops.access_logs.article_matcher import ArticleRegex, finder
from mostread.ops.access_logs.files import lines, size
from mostread.ops.access_logs.filters import Admitted, Outcome, Wanted
from mostread.ops.access_logs.overlap import Span, overlapping
from mostread.ops.access_logs.report import summary
from mostread.ops.access_logs.views import Counted
from mostread.ops.imports.repository import Import, ImportStore

_LOGS = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)


@click.command()
@click.argument("logs", metavar="ACCESS_LOG...", type=_LOGS, nargs=-1, required=True)
@click.option(
    "--article",
    type=ArticleRegex(),
    required=True,
    help="Finds the article in path and query: its group `article`, or the first, is the id.",
)
@click.option("--site", type=names.SITE, default="default", show_default=True)
@click.option("--name", type=names.IMPORT, help="What it is called in `mostread import --list`.")
@click.option("--host", help="Only requests of this virtual host, where the log names it first.")
@click.option("--since", type=Moment(), help="Only requests from then on, to the minute.")
@click.option("--until", type=Moment(), help="Only requests before then, to the minute.")
@click.option("--dry-run", is_flag=True, help="Read the logs and change nothing.")
@click.option(
    "--other-readers",
    is_flag=True,
    help="Count though views of the same time are counted already, by another server's log.",
)
def import_logs(
    *,
    logs: tuple[str, ...],
    article: re.Pattern[str],
    site: str,
    name: str | None,
    host: str | None,
    since: int | None,
    until: int | None,
    dry_run: bool,
    other_readers: bool,
) -> None:
    """Count the views that the access logs of a web server tell of, in the time they were.

    Logs (- for stdin) are in the common or combined format of nginx and Apache, gzipped or not.
    A view counts once for a reader, an article and half an hour. All of it is taken or nothing,
    and the same views once; `mostread import --remove` takes it back.
    """
    wanted = Wanted(
        finder(article),
        now=now_ms() // MINUTE_MS + 1,
        since=(since or 0) // MINUTE_MS,
        until=None if until is None else until // MINUTE_MS,
        host=host,
    )
    if dry_run:
        counted = _read(logs, wanted)
        click.echo(f"would replay {_described(_replayed(counted, site, name))}")
        return
    # Before the logs are read: they may take minutes, and ClickHouse be away.
    with closing(ImportStore(ClickHouseSettings())) as store:
        counted = _read(logs, wanted)
        what = _replayed(counted, site, name)
        if store.made(what):
            click.echo(f"nothing to do: {_described(what)} was replayed already")
            return
        if not other_readers:
            _check_overlap(what.name, counted, site)
        now = now_ms()
        store.take_in(what, counted.blocks(site, now // 1000), now)
    click.echo(f"replayed {_described(what)}")


def _read(logs: Sequence[str], wanted: Wanted) -> Counted:
    """Read the logs and print what is in them. Raises InvalidFile where that is no view."""
    admitted = Admitted(wanted)
    with _progress(logs) as advance:
        for place, line in lines(logs, advance):
            admitted.take(place, line)
    counted = admitted.views.counted()
    for line in summary(admitted, counted):
        click.echo(line)
    outcomes = admitted.outcomes
    if not counted.total:
        if outcomes[Outcome.MALFORMED] == sum(outcomes.values()):
            raise InvalidFile(
                "no line is one of an access log in the common or combined format; is that what "
                "the web server writes?"
            )
        raise InvalidFile("no line is a view; the summary says why, and --article is often it")
    return counted


def _replayed(counted: Counted, site: str, name: str | None) -> Import:
    digest = counted.digest(site)
    return Import(name or f"log-{digest[:12]}", digest, len(counted.names), counted.total, 0, 0)


def _check_overlap(name: str, counted: Counted, site: str) -> None:
    """Raise Overlapping where somebody else has views of this time."""
    first, last = (int(counted.minutes[at]) * MINUTE for at in (0, -1))
    others = overlapping(ClickHouseSettings(), name, Span(site, first, last), now_ms() // 1000)
    if others:
        known = " and ".join(f"{views:,} of {whose}" for whose, views in others)
        raise Overlapping(
            f"views of this time are counted already: {known}. The same reader would count "
            "twice. Cut the log with --since and --until, take an import back with `mostread "
            "import --remove NAME`, count it for another --site, or say that it is another "
            "server's with --other-readers. Nothing was changed"
        )


def _described(what: Import) -> str:
    return f"{what.name}: {what.views:,} views of {what.articles:,} articles"


@contextmanager
def _progress(logs: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Show how much is read, where somebody looks and it is known how much there is."""
    length = size(logs)
    if length is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label="reading", file=sys.stderr) as bar:
        yield bar.update
