"""`mostread alias`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp
import click

from mostread.cli import params
from mostread.errors import InvalidFile
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.ops import aliases
from mostread.ops.aliases import Pair
from mostread.ops.articles.config import ArticlesSettings
from mostread.ops.articles.publisher import ArticlePublisher

_FILE = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True, path_type=Path)
_SITE = click.option("--site", type=params.SITE, default="default", show_default=True)


class ArticleParam(click.ParamType):
    """The id of an article, or an address that has it."""

    name = "article"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return aliases.article_id(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def alias() -> None:
    """Count former ids of articles for the present ones, and rename sites.

    The numbers of both are shown as those of the present id, from then on and before. Counters do
    not change: once the alias is removed, everything is as it was. Requires a token with the role
    cms.
    """


@alias.command()
@params.stack_option
@click.argument("old", type=ArticleParam(), required=False)
@click.argument("new", type=ArticleParam(), required=False)
@_SITE
@click.option("--file", type=_FILE, help="CSV or NDJSON file with the columns old and new.")
def add(*, old: str | None, new: str | None, site: str, file: Path | None) -> None:
    """Show the numbers of OLD as those of NEW.

    OLD and NEW are ids of articles, or addresses whose ids are those of the tracking script. A
    file has many of them, for example the redirects of a relaunch.
    """
    if file is not None and old is None:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        pairs = aliases.read_pairs(content, file.name)
    elif file is None and old is not None and new is not None:
        pairs = [Pair(old, new)]
    else:
        raise click.UsageError("give OLD and NEW, or --file")
    aliases.check_circles(aliases.read_aliases(ClickHouseSettings()), site, pairs)
    asyncio.run(_send(site, pairs))
    click.echo(f"added {len(pairs):,} alias{'es' if len(pairs) != 1 else ''}")


@alias.command()
@params.stack_option
@click.argument("old", type=ArticleParam())
@_SITE
def remove(*, old: str, site: str) -> None:
    """Show OLD by itself again."""
    known = aliases.read_aliases(ClickHouseSettings())
    asyncio.run(_publish(lambda publisher: publisher.delete_alias(site, old)))
    if (site, old) in {(row.site, row.article_id) for row in known}:
        click.echo(f"removed the alias {old}")
    else:
        # One that was added a moment ago is removed, too.
        click.echo(f"the site {site} had no alias {old} yet; see `mostread alias list`")


@alias.command("list")
@params.stack_option
@click.option("--site", type=params.SITE, help="Only those of one site.")
def list_aliases(*, site: str | None) -> None:
    """List aliases, and what each finally stands for."""
    for each in aliases.shown(aliases.read_aliases(ClickHouseSettings())):
        if site in (None, each.site):
            own = each.article_id or each.site
            effect = each.canonical_id if each.canonical_id != own else "no effect: a circle"
            where = each.site if each.article_id else "site"
            columns = (where, own, each.alias_of, effect, each.by, f"{each.written_at:%F %T}Z")
            click.echo("\t".join(columns))


@alias.command("site")
@params.stack_option
@click.argument("old", type=params.SITE)
@click.argument("new", type=params.SITE, required=False)
@click.option("--remove", "removes", is_flag=True, help="Show OLD by itself again.")
def rename_site(*, old: str, new: str | None, removes: bool) -> None:
    """Show the site OLD as NEW: it has been renamed.

    Events that still name OLD are counted, and shown as those of NEW. Where both describe an
    article, or decide about it, NEW applies.
    """
    if removes == (new is not None):
        raise click.UsageError("give OLD and NEW, or OLD and --remove")
    if new is not None:
        known = aliases.read_aliases(ClickHouseSettings())
        aliases.check_circles(known, None, [Pair(old, new)])
    asyncio.run(_publish(lambda publisher: publisher.rename_site(old, new)))
    click.echo(f"{old} is shown as {new or old}")


async def _send(site: str, pairs: Sequence[Pair]) -> None:
    bodies = [{"site": site, "article_id": old, "alias_of": new} for old, new in pairs]

    async def send(publisher: ArticlePublisher) -> None:
        if rejected := await publisher.add_aliases(bodies):
            raise InvalidFile(
                f"the collector rejected {len(rejected):,} of {len(bodies):,} aliases; the first "
                f"is {pairs[rejected[0].index].old!r}: {rejected[0].detail}"
            )

    await _publish(send)


async def _publish(send: Callable[[ArticlePublisher], Awaitable[None]]) -> None:
    async with aiohttp.ClientSession() as session:
        await send(ArticlePublisher(session, ArticlesSettings()))
