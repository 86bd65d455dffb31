"""`mostread loadgen`."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence

import aiohttp
import click
import uvloop

from mostread.cli.params import stack_hint, stack_option
from mostread.core.events import Event
from mostread.errors import Unavailable
from mostread.infra.healthcheck import NoResponse, get
from mostread.infra.http.server import stop_signal
from mostread.infra.settings import url_variable
from mostread.ops.loadgen.runner import HttpSender, LoadSummary, NotAcknowledged
from mostread.ops.loadgen.traffic import SimulatedTraffic, article_ids, paced

AFTER_INTERRUPT_SECONDS = 5


@click.command()
@stack_option
@click.option("--rate", default=100.0, show_default=True, help="Average events per second.")
@click.option("--articles", default=500, show_default=True, help="Number of articles.")
@click.option("--duration", default=60.0, show_default=True, help="Duration in seconds.")
@click.option(
    "--url",
    default="http://127.0.0.1:8081",
    show_default=True,
    envvar=url_variable("collector"),
    show_envvar=True,
    help="URL of the collector.",
)
@click.option("--site", default="default", show_default=True, help="Site of the articles.")
@click.option("--seed", type=int, help="Seed for reproducible traffic.")
def loadgen(
    *, rate: float, articles: int, duration: float, url: str, site: str, seed: int | None
) -> None:
    """Send news-like traffic to a collector.

    Prints what was acknowledged. Views are skewed to few articles, and the rate does not adapt to a
    slow collector. Failed requests are retried with the same ids for up to 25 minutes. Exits with
    code 1 if events were never acknowledged.
    """
    try:
        get(url, "/readyz")
    except NoResponse as error:
        hint = stack_hint(click.get_current_context())
        raise Unavailable(f"no collector at {url}: {error}; {hint}") from error
    traffic = SimulatedTraffic(article_ids(articles), site=site, seed=seed)
    summary = LoadSummary()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        elapsed = runner.run(_load(paced(traffic, rate), duration, url, summary))
    for line in summary.lines(elapsed):
        click.echo(line)
    sys.exit(1 if summary.never_acknowledged else 0)


async def _load(
    batches: AsyncIterator[list[Event]], duration: float, url: str, summary: LoadSummary
) -> float:
    """Send each batch as it is due; return the seconds until the last one."""
    loop = asyncio.get_running_loop()
    stop = stop_signal()
    start = loop.time()
    loop.call_later(duration, stop.set)
    pending: set[asyncio.Task[None]] = set()
    connector = aiohttp.TCPConnector(limit=1000)
    async with aiohttp.ClientSession(connector=connector) as session:
        sender = HttpSender(session, url)
        async for batch in batches:
            if stop.is_set():
                break
            task = asyncio.create_task(_send(sender, batch, summary))
            pending.add(task)
            task.add_done_callback(pending.discard)
        elapsed = loop.time() - start
        # After an interrupt wait briefly; otherwise for as long as retries may succeed.
        await _finish(pending, AFTER_INTERRUPT_SECONDS if elapsed < duration else None)
    return elapsed


async def _send(sender: HttpSender, batch: Sequence[Event], summary: LoadSummary) -> None:
    summary.sent += len(batch)
    try:
        summary.acknowledged(batch, await sender.send(batch))
    except NotAcknowledged as error:
        summary.errors[str(error)] += len(batch)


async def _finish(tasks: set[asyncio.Task[None]], grace_seconds: float | None) -> None:
    """Wait for `tasks` until `grace_seconds` passed or Ctrl-C is pressed again."""
    interrupted = asyncio.ensure_future(stop_signal().wait())
    finished = asyncio.ensure_future(_all(tasks))
    await asyncio.wait(
        (interrupted, finished), timeout=grace_seconds, return_when=asyncio.FIRST_COMPLETED
    )
    for waiting in (interrupted, finished):
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting


async def _all(tasks: set[asyncio.Task[None]]) -> bool:
    await asyncio.gather(*tasks, return_exceptions=True)
    return True
