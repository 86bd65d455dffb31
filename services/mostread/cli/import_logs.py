"""`mostread import-logs`."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from zoneinfo import ZoneInfo

import click

from mostread.cli import params
from mostread.cli.params import TimeParam
from mostread.core.bots import BotRule
from mostread.core.counting.counters import MINUTE, MINUTE_MS
from mostread.errors import InvalidFile, Overlapping
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clock import now_ms
from mostread.infra.http.networks import Networks
from mostread.ops.access_logs.article_matcher import ArticleRegex, article_matcher
from mostread.ops.access_logs.clients import ClientResolver
from mostread.ops.access_logs.files import total_size
from mostread.ops.access_logs.filters import LineFilter, LineOutcome, RequestSelection
from mostread.ops.access_logs.formats.detection import FORMATS, format_factory
from mostread.ops.access_logs.formats.log_format import FormatFactory, FormatOptions
from mostread.ops.access_logs.reading import filter_files
from mostread.ops.access_logs.report import summary_lines
from mostread.ops.access_logs.views import ViewCounts
from mostread.ops.imports.repository import Import, ImportRepository, MinuteRange


class _FormatParam(click.ParamType):
    """A name of a format, or the text of a log_format or LogFormat directive."""

    name = "format"

    def convert(
        self,
        value: str | FormatFactory,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> FormatFactory:
        if not isinstance(value, str):
            return value
        try:
            return format_factory(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _NetworksParam(click.ParamType):
    """Networks, separated by commas."""

    name = "networks"

    def convert(
        self, value: str | Networks, param: click.Parameter | None, ctx: click.Context | None
    ) -> Networks:
        if isinstance(value, Networks):
            return value
        try:
            return Networks(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _ZoneParam(click.ParamType):
    """A time zone of the IANA database."""

    name = "zone"

    def convert(
        self, value: str | ZoneInfo, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        if isinstance(value, ZoneInfo):
            return value
        try:
            return ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            self.fail(f"{value!r} is not a time zone; write one like Europe/Berlin", param, ctx)


_LOGS = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)


@click.command()
@params.stack_option
@click.argument("logs", metavar="ACCESS_LOG...", type=_LOGS, nargs=-1, required=True)
@click.option(
    "--article",
    type=ArticleRegex(),
    required=True,
    help="Regular expression for path and query; its group `article`, or the first, is the id.",
)
@click.option("--site", type=params.SITE, default="default", show_default=True)
@click.option("--name", type=params.IMPORT, help="Name for `import-totals --list`.")
@click.option(
    "--format",
    "log_format",
    type=_FormatParam(),
    metavar="NAME|TEMPLATE",
    help=f"Format of the lines, detected by default: {', '.join(FORMATS)}; or the text of an nginx "
    "log_format or Apache LogFormat directive.",
)
@click.option(
    "--client-from",
    metavar="FIELD",
    help="Field with the reader's address, such as X-Forwarded-For: a JSON key, a name in #Fields, "
    "a field of the template, or `last` for the last quoted field of a common or combined log.",
)
@click.option(
    "--trusted-proxies",
    type=_NetworksParam(),
    default="",
    help="Networks of proxies, comma-separated: of a list of addresses, the last one outside them "
    "is the reader's. Without, the first public one is.",
)
@click.option(
    "--time-zone",
    type=_ZoneParam(),
    help="Time zone of times that name none, such as Europe/Berlin.  [default: UTC]",
)
@click.option("--host", help="Only requests to this virtual host, if the log contains it.")
@click.option("--since", type=TimeParam(), help="Only requests from this minute on.")
@click.option("--until", type=TimeParam(), help="Only requests before this minute.")
@click.option(
    "--bots-add",
    type=params.UserAgentPatterns(),
    envvar="MOSTREAD_COLLECTOR_BOTS_ADD",
    default="",
    help="Regular expressions for user agents of further bots, comma-separated; by default the "
    "collector's setting.",
)
@click.option(
    "--bots-remove",
    type=params.UserAgentPatterns(),
    envvar="MOSTREAD_COLLECTOR_BOTS_REMOVE",
    default="",
    help="Regular expressions for user agents of readers that are taken for bots, likewise.",
)
@click.option("--dry-run", is_flag=True, help="Read the logs and change nothing.")
@click.option(
    "--allow-overlap",
    is_flag=True,
    help="Import despite views of the same time, for example from another server.",
)
def import_logs(
    *,
    logs: tuple[str, ...],
    article: re.Pattern[str],
    site: str,
    name: str | None,
    log_format: FormatFactory | None,
    client_from: str | None,
    trusted_proxies: Networks,
    time_zone: ZoneInfo | None,
    host: str | None,
    since: int | None,
    until: int | None,
    bots_add: str,
    bots_remove: str,
    dry_run: bool,
    allow_overlap: bool,
) -> None:
    """Import views from web server access logs.

    Logs (- for stdin) are those of nginx, Apache, IIS and other servers, load balancers and CDNs,
    optionally gzipped. A reader's view of an article counts once per half hour. The import is
    atomic, and repeating it changes nothing; `import-totals --remove` removes it.
    """
    options = FormatOptions(ClientResolver(trusted_proxies), client_from, time_zone)
    selection = RequestSelection(
        article_matcher(article),
        now=now_ms() // MINUTE_MS + 1,
        since=(since or 0) // MINUTE_MS,
        until=None if until is None else until // MINUTE_MS,
        host=host,
        bot_rule=BotRule(bots_add, bots_remove),
    )
    if dry_run:
        counts = _read_logs(logs, selection, options, log_format)
        click.echo(f"would import {_describe(_views_import(counts, site, name))}")
        return
    # Connect first: reading may take minutes, and ClickHouse may be unavailable.
    with closing(ImportRepository(ClickHouseSettings())) as repository:
        counts = _read_logs(logs, selection, options, log_format)
        wanted = _views_import(counts, site, name)
        if repository.find_existing(wanted):
            click.echo(f"nothing to do: {_describe(wanted)} was imported already")
            return
        now = now_ms()
        if not allow_overlap:
            _check_overlap(repository, wanted.name, counts, site, now // 1000)
        repository.add(wanted, counts.blocks(site, now // 1000), now)
    click.echo(f"imported {_describe(wanted)}")


def _read_logs(
    logs: Sequence[str],
    selection: RequestSelection,
    options: FormatOptions,
    forced: FormatFactory | None,
) -> ViewCounts:
    """Read the logs and print a summary. Raises InvalidFile where no line is a view."""
    line_filter = LineFilter(selection)
    with _progress(logs) as advance:
        formats = filter_files(logs, line_filter, options, forced, advance)
    counts = line_filter.views.count()
    for text in summary_lines(line_filter, counts, formats):
        click.echo(text)
    outcomes = line_filter.outcomes
    if not counts.total:
        if outcomes[LineOutcome.MALFORMED] == sum(outcomes.values()):
            raise InvalidFile(
                "no line can be read; pass an access log, and describe its lines with --format if "
                "they are in no known format"
            )
        raise InvalidFile("no line is a view; see the summary for the reason, and check --article")
    return counts


def _views_import(counts: ViewCounts, site: str, name: str | None) -> Import:
    digest = counts.digest(site)
    return Import(name or f"log-{digest[:12]}", digest, len(counts.names), counts.total, 0, 0)


def _check_overlap(
    repository: ImportRepository, name: str, counts: ViewCounts, site: str, now: int
) -> None:
    """Raise Overlapping where another source has views of the same time."""
    first, last = (int(counts.minutes[index]) * MINUTE for index in (0, -1))
    overlapping = repository.overlapping_views(name, MinuteRange(site, first, last), now)
    if overlapping:
        sources = " and ".join(f"{views:,} of {source}" for source, views in overlapping)
        raise Overlapping(
            f"views of this time are counted already: {sources}; nothing was imported, since the "
            "same readers would count twice. Cut the log with --since and --until, remove an "
            "import with `mostread import-totals --remove NAME`, choose another --site, or pass "
            "--allow-overlap for the log of another server"
        )


def _describe(record: Import) -> str:
    return f"{record.name}: {record.views:,} views of {record.articles:,} articles"


@contextmanager
def _progress(logs: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal where the total size is known."""
    length = total_size(logs)
    if length is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label="reading", file=sys.stderr) as bar:
        yield bar.update
