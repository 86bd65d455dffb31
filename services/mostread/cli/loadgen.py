"""`mostread loadgen`."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence

import aiohttp
import click
import uvloop

from mostread.core.events import Event
from mostread.infra.http.server import stop_signal
from mostread.ops.loadgen.runner import HttpSender, LoadSummary, NotAcknowledged
from mostread.ops.loadgen.traffic import SimulatedTraffic, article_ids, paced

AFTER_INTERRUPT_SECONDS = 5


@click.command()
@click.option("--rate", default=100.0, show_default=True, help="Events a second, on average.")
@click.option("--articles", default=500, show_default=True, help="How many articles are read.")
@click.option("--duration", default=60.0, show_default=True, help="Seconds.")
@click.option("--url", default="http://127.0.0.1:8081", show_default=True, help="The collector.")
@click.option("--site", default="default", show_default=True)
@click.option("--seed", type=int, help="The same seed gives the same readers.")
def loadgen(
    *, rate: float, articles: int, duration: float, url: str, site: str, seed: int | None
) -> None:
    """Send events as readers would, and print what was acknowledged.

    Few articles get most of it, most of it is views, and the rate does not yield to a slow
    collector. What the collector cannot take is sent again, with the same ids, for up to 25
    minutes. The exit code is 1 if anything was never acknowledged.
    """
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
