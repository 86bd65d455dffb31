"""`mostread demo`."""

import os
from pathlib import Path

import aiohttp
import click

from mostread.infra import clock
from mostread.errors import Misconfigured, MostreadError
from mostread.ops.loadgen.traffic import Traffic, paced
from mostread.cli.devstack import report, run_stack, stack_options
from mostread.devstack.demo import scenario as plan, output as telling
from mostread.devstack.demo._m_local_demo_articles import SITE, Article, Articles, Counts, articles
from mostread.devstack.demo._m_local_demo_background import Background
from mostread.devstack.demo.check import differences, expected
from mostread.devstack.demo.load import counted_until, load
from mostread.devstack.demo.api import Site
from mostread.devstack.data_dir import DataFolder
from mostread.devstack._m_local_kept_secret import kept_secret
from mostread.devstack.ports import Ports
from mostread.devstack.stack import TOKENS_FILE, Stack

READERS_A_SECOND = 2.0


@click.command()
@stack_options
@click.option("--still", is_flag=True, help="No simulated readers: nothing moves by itself.")
def demo(data: Path, base: int, workers: int, *, still: bool) -> None:
    """Start everything, load ten articles with known numbers, and check the list.

    Ends with exit code 1 if the list is not exactly as expected. Otherwise it goes on until
    Ctrl-C or `mostread down`, with simulated readers on thirty further articles.
    """
    if TOKENS_FILE in os.environ:
        raise Misconfigured(
            "the demo publishes articles with a token of its own, which the collector would not "
            f"know; unset {TOKENS_FILE}"
        )

    def show(stack: Stack) -> None:
        token = kept_secret(DataFolder(data).cms_token)
        with Background(_show(stack.ports, data, token, readers=not still)) as background:
            stack.watch(background.raise_error)

    run_stack(data, base, workers, show)


async def _show(ports: Ports, data: Path, token: str, *, readers: bool) -> None:
    """Load, check, tell; then read until cancelled, where there are to be readers."""
    all_of_them = articles()
    async with aiohttp.ClientSession() as session:
        site = Site(session, ports)
        at_ms = await load(site, all_of_them, token, report)
        await _check(site, all_of_them, at_ms)
        for line in telling.farewell(ports, data, all_of_them.further[0], readers=readers):
            report(line)
        if readers:
            await _read(site, all_of_them.further)


async def _check(site: Site, all_of_them: Articles, at_ms: int) -> None:
    """Print the list and say that it is right. Raises MostreadError, saying what is not."""
    report("Waiting until they are counted ...")
    counted = all_of_them.counted
    listed = await counted_until(site, clock.now_ms())
    totals: dict[str, Counts] = {item.article_id: item.total for item in listed.items}
    totals = {
        article.article_id: totals.get(article.article_id) or (await site.known(article)).total
        for article in counted
    }
    in_window = expected(plan.events(counted, at_ms), listed)
    report("\n" + "\n".join(telling.table(counted, listed, totals)) + "\n")
    found = list(differences(counted, listed, in_window, totals))
    if found:
        raise MostreadError(
            "the list is not as expected:\n  "
            + "\n  ".join(found)
            + "\nIf you sent events for these articles yourself, that is why: start afresh in "
            "another folder with --data, or go on with `mostread up`."
        )
    report(telling.verdict(counted, in_window, clock.now_ms() - at_ms) + "\n")


async def _read(site: Site, further: list[Article]) -> None:
    traffic = Traffic([article.article_id for article in further], site=SITE)
    async for batch in paced(traffic, READERS_A_SECOND):
        await site.sender.send(batch)
