"""`mostread aggregator`: one worker, from start to orderly end."""

import asyncio
import functools
import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn

import click
import faust
import uvloop

from mostread.aggregator.article_writer import ArticleWriter
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.dead_letter_writer import DeadLetters
from mostread.aggregator.event_topic import EventLog
from mostread.aggregator.lag import Lag
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.repository import ClickHouseStore
from mostread.aggregator.retry import Patience
from mostread.aggregator.servers import Servers
from mostread.aggregator.stream.app import build
from mostread.aggregator.worker import Worker
from mostread.errors import StaleEpoch
from mostread.infra.clickhouse.client import connect
from mostread.infra.gc import collect_periodically
from mostread.infra.http.server import (
    Check,
    ScrapeRegistry,
    listen,
    new_application,
    new_registry,
    stop_signal,
)
from mostread.infra.logging import configure_logging, get_logger

log = get_logger(__name__)

FLUSH_MAY_TAKE_SECONDS = 10


@click.command()
def aggregator() -> None:
    """Run an aggregator: Kafka into ClickHouse. Several share the partitions."""
    settings = AggregatorSettings()
    configure_logging("aggregator", settings.log_level)
    uvloop.run(run_and_exit(settings))


async def run_and_exit(settings: AggregatorSettings) -> NoReturn:
    """Run, then leave the process at once.

    At their ends the event loop would wait for tasks, and Python for threads, that hang in a
    call to a server which is away.
    """
    try:
        code = await run(settings)
    except StaleEpoch as over:
        # The same process, from its beginning: what it knew is of no more use.
        log.warning("restarting", reason=str(over))
        logging.shutdown()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
    logging.shutdown()
    os._exit(code)


async def run(settings: AggregatorSettings) -> int:
    """Count until SIGTERM or SIGINT, and return the exit code: 1 where counting broke down.

    Raises StaleEpoch where another count has begun, which takes a new start.
    """
    stop = stop_signal()
    registry = new_registry()
    metrics = AggregatorMetrics(registry)
    patience = Patience(metrics)
    stores = [
        ClickHouseStore(functools.partial(connect, settings), metrics.inserted) for _ in range(2)
    ]
    letters = [DeadLetters(settings) for _ in range(2)]
    event_log = EventLog(settings)
    lag = Lag(EventLog(settings), metrics)
    measured = ScrapeRegistry(registry, lag.measure)
    servers = Servers(stores[0], event_log, lag, letters[0], metrics, patience)
    worker = Worker(settings, servers)
    articles = ArticleWriter(
        settings.articles_topic,
        store=stores[1],
        dead_letters=letters[1],
        patience=patience,
    )

    def check(part: str) -> Check:
        async def ask() -> str | None:
            return patience.troubles.get(part)

        return ask

    async def check_group() -> str | None:
        return None if worker.assigned else "no partitions assigned yet"

    async def check_flush() -> str | None:
        since = worker.seconds_since_flush
        late = since > settings.aggregator_flush_interval_seconds + FLUSH_MAY_TAKE_SECONDS
        return f"nothing was written for {since:.0f} s" if late else None

    web = await listen(
        new_application(
            checks={
                "kafka": check("kafka"),
                "clickhouse": check("clickhouse"),
                "group": check_group,
                "flush": check_flush,
            },
            registry=measured,
        ),
        settings.aggregator_host,
        settings.aggregator_port,
        "MOSTREAD_AGGREGATOR_PORT",
        settings,
    )
    try:
        await _until_there(event_log, patience, settings.aggregator_group, stop)
        if stop.is_set():
            return 0
        return await _count(settings, build(settings, worker, articles), worker, patience, stop)
    finally:
        await web.cleanup()
        await event_log.close()
        await measured.close()
        await lag.close()
        servers.close()
        articles.close()
        for store in stores:
            store.close()
        for letter in letters:
            letter.close()
        log.info("stopped")


async def _until_there(
    event_log: EventLog, patience: Patience, group: str, stop: asyncio.Event
) -> None:
    """Wait until Kafka answers and we may work on its topics, or until we are asked to stop."""
    there = asyncio.create_task(
        patience.until_done(
            "kafka",
            functools.partial(event_log.require_rights, group),
            still_ours=lambda: True,
        )
    )
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({there, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (there, stopped):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _count(
    settings: AggregatorSettings,
    app: faust.App,
    worker: Worker,
    patience: Patience,
    stop: asyncio.Event,
) -> int:
    tidying = asyncio.create_task(collect_periodically())
    flusher = asyncio.create_task(worker.run())
    running = asyncio.create_task(_run(app))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({flusher, running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    reason = None
    if not stop.is_set():
        reason = (flusher if flusher.done() else running).exception()
        if not isinstance(reason, StaleEpoch):
            log.error("counting_failed", error=repr(reason), exc_info=reason)
    code = 0 if reason is None else 1
    log.info("stopping")
    try:
        async with asyncio.timeout(settings.aggregator_shutdown_timeout_seconds):
            await _stop(app, patience, orderly=code == 0)
    except TimeoutError:
        # Nothing is lost: what was not acknowledged is read again.
        log.warning("shutdown_timed_out", seconds=settings.aggregator_shutdown_timeout_seconds)
        code = 1
    tasks = (tidying, flusher, running, stopped)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(reason, StaleEpoch):
        raise reason
    return code


async def _run(app: faust.App) -> None:
    """Run the app until it breaks down, and raise why."""
    await app.start()
    await app._crashed.wait()
    raise app._crash_reason or RuntimeError("Faust gave up without a reason")


async def _stop(app: faust.App, patience: Patience, *, orderly: bool) -> None:
    """Stop the app: it waits until all it handed out is acknowledged, which the flush does.

    Where the flush cannot, what is in hand is given back unacknowledged.
    """
    stopping = asyncio.create_task(app.stop())
    while not stopping.done():
        if not orderly or patience.troubles:
            app.consumer.unacked.clear()
        await asyncio.wait({stopping}, timeout=0.2)
    await stopping
