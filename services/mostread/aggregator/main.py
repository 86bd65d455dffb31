"""Entry point of the aggregator: one worker, from start to orderly shutdown."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import click
import uvloop

from mostread.aggregator.alias_resolver import AliasResolver, AliasTables
from mostread.aggregator.article_writer import ArticleWriter
from mostread.aggregator.checkpointer import Checkpointer
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.dead_letter_writer import DeadLetterWriter
from mostread.aggregator.disks import Disks
from mostread.aggregator.forgetter import Forgetter
from mostread.aggregator.lag import Lag
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.recovery import Recovery
from mostread.aggregator.repository import CounterRepository
from mostread.aggregator.retry import Dependency, Retrier
from mostread.aggregator.stopped import StoppedPartitions
from mostread.aggregator.stream.app import EventStream
from mostread.aggregator.stream.article_stream import ArticleStream
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.aggregator.watchdog import StuckError, Watchdog
from mostread.aggregator.worker import Worker
from mostread.errors import StaleEpoch
from mostread.infra.clickhouse.client import connect
from mostread.infra.gc import collect_periodically
from mostread.infra.http.application import Application
from mostread.infra.http.connections import Endpoint
from mostread.infra.http.operations import (
    Check,
    ScrapeRegistry,
    add_operational_routes,
    new_registry,
)
from mostread.infra.http.server import serving, stop_signal
from mostread.infra.logging import configure_logging, get_logger

log = get_logger(__name__)

MAX_FLUSH_SECONDS = 10


@click.command()
def aggregator() -> None:
    """Run an aggregator: Kafka into ClickHouse. Several share the partitions."""
    settings = AggregatorSettings()
    configure_logging("aggregator", settings.log_level)
    uvloop.run(run_and_exit(settings))


async def run_and_exit(settings: AggregatorSettings) -> NoReturn:
    """Run, then exit the process at once.

    An ordinary exit would wait for tasks and threads that hang in a call to an unavailable server.
    """
    try:
        code = await run(settings)
    except (StaleEpoch, StuckError) as error:
        # Nothing that this process knows is valid in a new epoch, or helps if it is stuck.
        log.warning("restarting", reason=str(error))
        restart()
    logging.shutdown()
    os._exit(code)


def restart() -> NoReturn:
    """Replace this process by a new one with the same arguments, from any thread."""
    logging.shutdown()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


async def run(settings: AggregatorSettings) -> int:
    """Count until SIGTERM or SIGINT, and return the exit code.

    The code is 1 if counting failed. Raises StaleEpoch if the topic was recreated or the tables
    rebuilt, and StuckError if the watchdog fired; restart the process then.
    """
    stop = stop_signal()
    async with _components(settings) as components:
        await _wait_for_kafka(components, settings, stop)
        if stop.is_set():
            return 0
        stream = EventStream(settings, components.worker)
        return await _count(settings, stream, components, stop)


@dataclass(frozen=True)
class _Components:
    topic: EventTopic
    retrier: Retrier
    watchdog: Watchdog
    worker: Worker
    articles: ArticleStream
    aliases: AliasResolver


@asynccontextmanager
async def _components(settings: AggregatorSettings) -> AsyncIterator[_Components]:
    """Build the worker and its HTTP server, and close everything at the end."""
    registry = new_registry(settings.revision)
    metrics = AggregatorMetrics(registry)
    retrier = Retrier(metrics, "counting")
    watchdog = Watchdog(settings, explain=retrier.explain, metrics=metrics, restart=restart)
    async with AsyncExitStack() as stack:
        # The last to be closed: the watchdog also watches the shutdown that it has caused.
        stack.callback(watchdog.stop)
        stack.callback(log.info, "stopped")

        def new_writers(
            name: str,
        ) -> tuple[CounterRepository, DeadLetterWriter, ThreadPoolExecutor]:
            """Return blocking clients and the one thread that uses them."""
            repository = CounterRepository(partial(connect, settings), metrics.report_insert)
            dead_letters = DeadLetterWriter(settings, metrics)
            executor = ThreadPoolExecutor(1, thread_name_prefix=name)
            stack.callback(dead_letters.close)
            stack.callback(repository.close)
            # Do not wait for a call that hangs in an unavailable server.
            stack.callback(executor.shutdown, wait=False, cancel_futures=True)
            return repository, dead_letters, executor

        forgetter = Forgetter(partial(connect, settings))
        repository, dead_letters, executor = new_writers("counters")
        article_repository, article_dead_letters, article_executor = new_writers("articles")
        lag_topic = EventTopic(settings)
        stack.push_async_callback(lag_topic.close)
        lag = Lag(lag_topic, metrics)
        scrape = ScrapeRegistry(registry, lag.measure)
        stack.push_async_callback(scrape.close)
        topic = EventTopic(settings)
        stack.push_async_callback(topic.close)
        recovery = Recovery(
            settings,
            topic=topic,
            repository=repository,
            retrier=retrier,
            watchdog=watchdog,
            executor=executor,
        )
        worker = Worker(
            settings,
            recovery=recovery,
            stopped=StoppedPartitions(
                settings,
                topic=topic,
                recovery=recovery,
                repository=repository,
                retrier=retrier,
                executor=executor,
            ),
            checkpointer=Checkpointer(
                topic=topic,
                repository=repository,
                forgetter=forgetter,
                dead_letters=dead_letters,
                retrier=retrier,
                metrics=metrics,
                lag=lag,
                watchdog=watchdog,
                executor=executor,
            ),
            metrics=metrics,
            lag=lag,
            watchdog=watchdog,
        )
        # Separate, so that its errors neither fail /readyz nor prolong a shutdown.
        article_retrier = Retrier(metrics, "articles")
        tables = AliasTables(partial(connect, settings), metrics.report_insert)
        stack.callback(tables.close)
        aliases = AliasResolver(tables, retrier=article_retrier, executor=article_executor)
        articles = ArticleStream(
            settings,
            ArticleWriter(
                settings,
                repository=article_repository,
                forgetter=forgetter,
                dead_letters=article_dead_letters,
                retrier=article_retrier,
                executor=article_executor,
                aliases=aliases,
            ),
            retrier=article_retrier,
            metrics=metrics,
        )
        measuring = asyncio.create_task(Disks(settings, metrics).run())
        stack.callback(measuring.cancel)
        app = Application(settings)
        checks = _checks(settings, retrier, worker, watchdog)
        add_operational_routes(app, checks=checks, registry=scrape)
        await stack.enter_async_context(
            serving(
                app,
                Endpoint(
                    settings.aggregator_host, settings.aggregator_port, "MOSTREAD_AGGREGATOR_PORT"
                ),
                settings,
            )
        )
        watchdog.start()
        yield _Components(topic, retrier, watchdog, worker, articles, aliases)


def _checks(
    settings: AggregatorSettings, retrier: Retrier, worker: Worker, watchdog: Watchdog
) -> dict[str, Check]:
    """Return the readiness checks by name."""

    def check_dependency(dependency: Dependency) -> Check:
        async def check() -> str | None:
            return retrier.last_errors.get(dependency)

        return check

    async def check_group() -> str | None:
        return None if worker.has_assignment else "no partitions assigned yet"

    async def check_flush() -> str | None:
        since = worker.seconds_since_flush
        late = since > settings.aggregator_flush_interval_seconds + MAX_FLUSH_SECONDS
        return f"no flush for {since:.0f} s" if late else None

    async def check_watchdog() -> str | None:
        return watchdog.reason

    return {
        "kafka": check_dependency("kafka"),
        "clickhouse": check_dependency("clickhouse"),
        "group": check_group,
        "flush": check_flush,
        "watchdog": check_watchdog,
    }


async def _wait_for_kafka(
    components: _Components, settings: AggregatorSettings, stop: asyncio.Event
) -> None:
    """Wait until Kafka grants access to the topics, or `stop` is set."""
    groups = (settings.aggregator_group, settings.articles_group)
    access = asyncio.create_task(
        components.retrier.call("kafka", partial(components.topic.check_access, groups))
    )
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({access, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (access, stopped):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _count(
    settings: AggregatorSettings, stream: EventStream, components: _Components, stop: asyncio.Event
) -> int:
    collecting = asyncio.create_task(collect_periodically())
    flushing = asyncio.create_task(components.worker.run())
    retrying = asyncio.create_task(components.worker.retry_stopped(stream.resume))
    consuming = asyncio.create_task(stream.run())
    writing_articles = asyncio.create_task(components.articles.run())
    resolving_aliases = asyncio.create_task(components.aliases.run())
    watching = asyncio.create_task(components.watchdog.wait())
    stopped = asyncio.create_task(stop.wait())
    counting = {flushing, retrying, consuming, watching}
    await asyncio.wait({*counting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    failure = None
    if not stop.is_set():
        failure = next(task for task in counting if task.done()).exception()
        if not isinstance(failure, StaleEpoch | StuckError):
            log.error("counting_failed", error=repr(failure), exc_info=failure)
    code = 0 if failure is None else 1
    log.info("stopping")
    # Acknowledging takes a flush: if that cannot succeed, drop the messages unacknowledged.
    errors = components.retrier.last_errors
    try:
        async with asyncio.timeout(settings.aggregator_shutdown_timeout_seconds):
            writing_articles.cancel()
            await stream.stop(discard=lambda: failure is not None or bool(errors))
            await asyncio.wait({writing_articles})
    except TimeoutError:
        # Nothing is lost: unacknowledged records are read again.
        log.warning("shutdown_timed_out", seconds=settings.aggregator_shutdown_timeout_seconds)
        code = 1
    tasks = (collecting, *counting, writing_articles, resolving_aliases, stopped)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(failure, StaleEpoch | StuckError):
        raise failure
    return code
