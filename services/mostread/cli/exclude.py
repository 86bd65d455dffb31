"""`mostread exclude`."""

import asyncio
import functools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime

import click
from clickhouse_connect.driver.client import Client

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.repository import CounterRepository
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.cli.params import SITE, stack_option
from mostread.cli.rebuild import run_rebuild
from mostread.core.exclusions import PENDING, Exclusion, ExclusionEntry, in_effect
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect, translate_errors
from mostread.infra.clickhouse.exclusions import read_exclusions, write_exclusions
from mostread.infra.clock import now_ms
from mostread.ops.exclude import Preview, Previewer
from mostread.ops.terminal import count

MINUTE_MS = 60_000
_LISTED_ARTICLES = 10
_LISTED_VISITORS = 3
_TOTALS = """
SELECT article_id, sum(views) FROM counter_versions FINAL
WHERE site = {site:String} AND grain = 'total' AND article_id IN {articles:Array(String)}
GROUP BY article_id
"""


class MinuteParam(click.ParamType):
    """A minute in ISO 8601 with its time zone, as milliseconds since the epoch."""

    name = "time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        example = "write 2026-01-31T12:00Z or 2026-01-31T12:00+05:00"
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time; {example}", param, ctx)
        if time.tzinfo is None:
            self.fail(f"{value!r} has no time zone; {example}", param, ctx)
        milliseconds = round(time.timestamp() * 1000)
        if milliseconds < 0 or milliseconds % MINUTE_MS:
            self.fail(f"{value!r} is not a full minute since 1970; {example}", param, ctx)
        return milliseconds


_by = click.option(
    "--by", default="operator", show_default=True, help="Who decides; editors see it."
)
_yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
_rebuild = click.option("--rebuild", is_flag=True, help="Rebuild the counters at once.")


@click.group()
def exclude() -> None:
    """Leave the events of an attack out of all numbers.

    The log keeps them. An exclusion and its removal are in effect from the next `mostread rebuild`
    on.
    """


@exclude.command()
@stack_option
@click.option("--site", type=SITE, required=True, help="Site of the events.")
@click.option("--article", default="", metavar="ID", help="Only events of this article.")
@click.option(
    "--from",
    "start",
    type=MinuteParam(),
    required=True,
    help="First minute, such as 2026-01-31T12:00Z, of the time at which an event counts.",
)
@click.option("--to", "end", type=MinuteParam(), required=True, help="The minute after the last.")
@click.option("--visitor", default="", metavar="NAME", help="Only events of this visitor.")
@click.option("--reason", required=True, help="Reason; editors see it.")
@_by
@_yes
@_rebuild
def add(
    *,
    site: str,
    article: str,
    start: int,
    end: int,
    visitor: str,
    reason: str,
    by: str,
    yes: bool,
    rebuild: bool,
) -> None:
    """Show which events an exclusion leaves out, and record it.

    Counts the log from the beginning of the range on.
    """
    if start >= end:
        raise click.UsageError("--to is not after --from")
    if end > now_ms():
        raise click.UsageError("--to is in the future; only what has happened can be excluded")
    if not reason.strip():
        raise click.UsageError("--reason is empty; editors will want to know")
    settings = AggregatorSettings()
    exclusion = Exclusion(secrets.token_hex(4), site, article, start, end, visitor)
    with closing(connect(settings)) as client:
        others = in_effect(read_exclusions(client), PENDING)
        preview = _preview(settings, exclusion, others)
        if not preview.events:
            raise Misconfigured(
                f"no event in the log is {_describe(exclusion)}, or others exclude them already; "
                f"check the site, the article and the times{_since(preview, exclusion)}"
            )
        click.echo(f"to be left out: {_describe(exclusion)}")
        for line in _report(preview, exclusion, _totals(client, exclusion, preview)):
            click.echo(line)
        if not yes:
            click.confirm("Record the exclusion?", abort=True)
        entry = ExclusionEntry(exclusion, "add", reason.strip(), by, now_ms())
        write_exclusions(client, [entry])
    click.echo(f"recorded exclusion {exclusion.id}")
    _offer_rebuild(settings, yes=yes, rebuild=rebuild)


@exclude.command(name="list")
@stack_option
def list_exclusions() -> None:
    """List all exclusions, also those that were removed."""
    settings = AggregatorSettings()
    with closing(connect(settings)) as client:
        entries = read_exclusions(client)
        now = set(in_effect(entries, _current_epoch(settings)))
    later = set(in_effect(entries, PENDING))
    removals = {each.exclusion.id: each for each in entries if each.action == "remove"}
    for entry in entries:
        if entry.action == "add":
            exclusion, removal = entry.exclusion, removals.get(entry.exclusion.id)
            removed = f"; removed by {removal.by}" if removal else ""
            state = _STATES[exclusion in now, exclusion in later]
            click.echo(
                f"{exclusion.id}  {_describe(exclusion)}  {state}; "
                f"by {entry.by} ({entry.reason}){removed}"
            )


_STATES: Mapping[tuple[bool, bool], str] = {
    (True, True): "in effect",
    (False, True): "in effect from the next rebuild on",
    (True, False): "in effect until the next rebuild",
    (False, False): "not in effect",
}


@exclude.command()
@stack_option
@click.argument("exclusion_id", metavar="ID")
@click.option("--reason", default="", help="Reason; editors see it.")
@_by
@_yes
@_rebuild
def remove(exclusion_id: str, reason: str, by: str, *, yes: bool, rebuild: bool) -> None:
    """Count the events of an exclusion again.

    ID is that of `mostread exclude list`.
    """
    settings = AggregatorSettings()
    with closing(connect(settings)) as client:
        entries = read_exclusions(client)
        later = {each.id: each for each in in_effect(entries, PENDING)}
        if exclusion_id not in later:
            known = any(each.exclusion.id == exclusion_id for each in entries)
            raise Misconfigured(
                f"exclusion {exclusion_id} {'is removed already' if known else 'does not exist'}; "
                "see `mostread exclude list`"
            )
        exclusion = later.pop(exclusion_id)
        took_effect = exclusion in in_effect(entries, _current_epoch(settings))
        if took_effect:
            preview = _preview(settings, exclusion, list(later.values()))
            click.echo(f"to be counted again: {_describe(exclusion)}")
            for line in _report(preview, exclusion, {}):
                click.echo(line)
        else:
            click.echo(f"not in effect yet: {_describe(exclusion)}")
        if not yes:
            click.confirm("Remove the exclusion?", abort=True)
        entry = ExclusionEntry(exclusion, "remove", reason.strip(), by, now_ms())
        write_exclusions(client, [entry])
    click.echo(f"removed exclusion {exclusion.id}")
    if took_effect:
        _offer_rebuild(settings, yes=yes, rebuild=rebuild)


def _offer_rebuild(settings: AggregatorSettings, *, yes: bool, rebuild: bool) -> None:
    if rebuild or (not yes and click.confirm("Rebuild the counters now?")):
        # The first one may finish a rebuild that began before.
        while not run_rebuild(settings):
            pass
    else:
        click.echo("in effect from the next `mostread rebuild` on")


def _preview(
    settings: AggregatorSettings, exclusion: Exclusion, others: Sequence[Exclusion]
) -> Preview:
    async def run() -> Preview:
        log = EventTopic(settings)
        repository = CounterRepository(functools.partial(connect, settings))
        try:
            return await Previewer(settings, log, repository).preview(
                exclusion, others, lambda _: None
            )
        finally:
            await log.close()
            repository.close()

    return asyncio.run(run())


def _current_epoch(settings: AggregatorSettings) -> int:
    async def run() -> int:
        log = EventTopic(settings)
        try:
            topic = await log.describe()
        finally:
            await log.close()
        with closing(CounterRepository(functools.partial(connect, settings))) as repository:
            return repository.current_epoch(topic).number

    return asyncio.run(run())


def _totals(client: Client, exclusion: Exclusion, preview: Preview) -> dict[str, int]:
    """Return the views of all time of the articles to list."""
    parameters = {"site": exclusion.site, "articles": [each for each, _ in _top(preview)]}
    with translate_errors():
        return dict(client.query(_TOTALS, parameters=parameters).result_rows)


def _top(preview: Preview) -> list[tuple[str, list[int]]]:
    articles = sorted(preview.articles.items(), key=lambda each: (-each[1][0], each[0]))
    return articles[:_LISTED_ARTICLES]


def _report(preview: Preview, exclusion: Exclusion, totals: Mapping[str, int]) -> Iterator[str]:
    views, comments, likes = preview.numbers
    yield (
        f"{count(preview.events, 'event')} of {count(len(preview.articles), 'article')}: "
        f"{count(views, 'view')}, {count(comments, 'comment')}, {count(likes, 'like')}"
    )
    for article, (views, comments, likes) in _top(preview):
        total = totals.get(article, 0)
        share = f" ({views / total:.1%} of {total:,})" if total > 0 else ""
        yield (
            f"  {article}: {count(views, 'view')}{share}, {count(comments, 'comment')}, "
            f"{count(likes, 'like')}"
        )
    if len(preview.articles) > _LISTED_ARTICLES:
        yield f"  and {count(len(preview.articles) - _LISTED_ARTICLES, 'more article')}"
    sampled = preview.visitors.total()
    for visitor, views in preview.visitors.most_common(_LISTED_VISITORS):
        yield f"  visitor {visitor}: {views / sampled:.0%} of the views with a visitor"
    if since := _since(preview, exclusion):
        yield since.removeprefix("; ")


def _since(preview: Preview, exclusion: Exclusion) -> str:
    if preview.complete_since <= exclusion.start:
        return ""
    return (
        f"; Kafka has no events from before {_minute(preview.complete_since)} any more, so their "
        "numbers stay as they are"
    )


def _describe(exclusion: Exclusion) -> str:
    visitor = f" of visitor {exclusion.visitor}" if exclusion.visitor else ""
    article = f", article {exclusion.article_id}" if exclusion.article_id else ""
    return (
        f"from {_minute(exclusion.start)} to {_minute(exclusion.end)}{visitor} on site "
        f"{exclusion.site}{article}"
    )


def _minute(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%MZ}"
