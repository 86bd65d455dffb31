"""`mostread articles`."""

import asyncio
import sys
from pathlib import Path

import click
import uvloop

from mostread.cli import params
from mostread.errors import Misconfigured, MostreadError
from mostread.infra.logging import configure_logging
from mostread.ops.articles import importing, service
from mostread.ops.articles.config import ArticlesSettings, SourceFeed, parse_feeds

_FILE = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True, path_type=Path)


@click.group()
def articles() -> None:
    """Describe articles: titles, links, sections, images."""


@articles.command("import")
@params.stack_option
@click.argument("file", metavar="FILE", type=_FILE)
@click.option(
    "--site", type=params.SITE, default="default", show_default=True, help="Site of lines without."
)
@click.option("--dry-run", is_flag=True, help="Check the file and send nothing.")
def import_articles(*, file: Path, site: str, dry_run: bool) -> None:
    """Describe articles from a CSV or NDJSON file.

    Columns are article_id, site, title, url, section, language, published_at, image, authors, tags,
    hidden and pinned, of which title and either article_id or url are required. Several authors or
    tags are separated by |. Nothing is sent if a line is invalid. Requires a token with the role
    cms.
    """
    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    descriptions = importing.read_file(content, file.name, site)
    if not dry_run:
        asyncio.run(importing.send(ArticlesSettings(), descriptions))
    number = len(descriptions)
    action = "would describe" if dry_run else "described"
    click.echo(f"{action} {number:,} article{'s' if number != 1 else ''}")


@articles.command()
@params.stack_option
@click.argument("feeds", metavar="[[SITE=]URL]...", nargs=-1)
@click.option("--once", is_flag=True, help="Read each feed once, for example from cron.")
def sync(*, feeds: tuple[str, ...], once: bool) -> None:
    """Describe articles from feeds: RSS, Atom, JSON Feed or news sitemaps.

    Reads the URLs, or those of MOSTREAD_ARTICLES_FEEDS, once a minute, and sends the collector what
    is new or has changed. A CMS takes precedence: its descriptions are not replaced. Requires a
    token with the role cms. With --once, exits with code 1 if a feed could not be read.
    """
    settings = ArticlesSettings()
    chosen = _feeds(feeds, settings)
    if once:
        configure_logging("articles", "ERROR")
        sys.exit(_read_once(settings, chosen))
    configure_logging("articles", settings.log_level)
    uvloop.run(service.serve(settings, chosen))


def _feeds(given: tuple[str, ...], settings: ArticlesSettings) -> list[SourceFeed]:
    try:
        feeds = parse_feeds(" ".join(given)) or settings.feeds
    except ValueError as error:
        raise Misconfigured(str(error)) from error
    if not feeds:
        raise Misconfigured("no feed is named; name its URL, or set MOSTREAD_ARTICLES_FEEDS")
    return feeds


def _read_once(settings: ArticlesSettings, feeds: list[SourceFeed]) -> int:
    failed = False
    for feed, outcome in uvloop.run(service.read_once(settings, feeds)):
        if isinstance(outcome, MostreadError):
            failed = True
            click.echo(f"mostread: {feed.name}: {outcome}", err=True)
            continue
        skipped = "".join(f", {reason}: {n:,}" for reason, n in outcome.skipped.items() if n)
        click.echo(
            f"{feed.name}: {outcome.items:,} articles, {outcome.described:,} described{skipped}"
        )
    return int(failed)
