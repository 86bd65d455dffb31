"""`mostread forget`."""

import getpass
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import click

from mostread.cli.params import SITE, stack_option
from mostread.core.control import ALL_ARTICLES
from mostread.ops.forget.forgetting import ForgetSettings, Forgetting, StoredData, WrittenForget

MAX_ID_LENGTH = 128
WAIT_SECONDS = 60
POLL_SECONDS = 0.5


@click.command()
@stack_option
@click.option("--site", type=SITE, help="The site to forget, or that of the article.")
@click.option("--article", help="Id of the only article to forget.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--list", "show", is_flag=True, help="List what is forgotten, when and by whom.")
def forget(site: str | None, article: str | None, *, yes: bool, show: bool) -> None:
    """Delete a site, or an article, with its numbers, description and decisions.

    The command writes control records into the topics. Events before them no longer count anywhere,
    also after a rebuild or the restore of a backup from which Kafka still has the log; events after
    them count from zero.
    """
    if article is not None and not 0 < len(article) <= MAX_ID_LENGTH:
        raise click.UsageError(
            f"--article has {len(article)} characters; ids have 1 to {MAX_ID_LENGTH}. Leave the "
            "option out to forget the whole site"
        )
    article = article or ALL_ARTICLES
    if site is None and not show:
        raise click.UsageError("give --site SITE, or --list")
    with closing(Forgetting(ForgetSettings())) as forgetting:
        if show or site is None:
            for line in _list(forgetting, site or "", article):
                click.echo(line)
            return
        click.echo(_describe(site, article, forgetting.require(site, article)))
        if former := forgetting.former(site, article):
            click.echo(
                f"former {'ids' if article else 'names'} keep numbers of their own; forget them, "
                f"too: {', '.join(former)}"
            )
        if not yes:
            click.confirm("Forget it for good?", abort=True)
        written = forgetting.write(site, article, _user())
        click.echo(
            f"written to {len(written.offsets)} partitions of {written.topic.name}; waiting for "
            "the aggregators"
        )
        click.echo(_wait(forgetting, written, site, article))


def _describe(site: str, article: str, stored: StoredData) -> str:
    what = f"the article {article!r} of the site {site}" if article else f"the site {site}"
    parts = [f"{stored.views:,} views, {stored.comments:,} comments and {stored.likes:,} likes"]
    if not article:
        parts[0] += f" of {stored.articles:,} articles"
    if stored.first_hour is not None and stored.last_hour is not None:
        parts[0] += f" from {_time(stored.first_hour)} to {_time(stored.last_hour + 3600)}"
    if stored.descriptions:
        parts.append("the description" if article else f"{stored.descriptions:,} descriptions")
    if stored.decisions:
        parts.append(f"{stored.decisions:,} editorial decisions")
    return f"{what} has {'; '.join(parts)}"


def _wait(forgetting: Forgetting, written: WrittenForget, site: str, article: str) -> str:
    """Return how far the forget has come within WAIT_SECONDS."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        uncounted = forgetting.uncounted(written)
        if not uncounted and not forgetting.undeleted(written, site, article):
            return "forgotten: every partition has counted it, and older rows are deleted"
        time.sleep(POLL_SECONDS)
    if uncounted:
        partitions = ", ".join(map(str, uncounted))
        return (
            f"the partitions {partitions} have not counted it yet; they do once an aggregator "
            "reads them: `mostread status` shows whether one does, and `mostread forget --list` "
            "how many have"
        )
    return (
        "every partition has counted it, but older rows are still there, or it was described "
        "again: `mostread doctor` shows whether an aggregator reads the articles topic, and the "
        "table system.mutations what ClickHouse still deletes"
    )


def _list(forgetting: Forgetting, site: str, article: str) -> Iterator[str]:
    for each in forgetting.forgotten(site, article):
        what = f"article {each.article_id!r}" if each.article_id else "all articles"
        yield (
            f"{_time(each.began_at // 1000)}  {each.site}: {what}, by {each.by or 'a producer'}, "
            f"counted by {each.partitions} partitions"
        )


def _user() -> str:
    """Return who runs the command; a container may have no name for its user."""
    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):
        return "operator"


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
