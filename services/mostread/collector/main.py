"""The command `mostread collector`."""

import asyncio
import logging
from pathlib import Path

import click
import uvloop

from mostread.collector.app import serve
from mostread.collector.config import CollectorSettings
from mostread.collector.prefork import run_workers, work
from mostread.infra.http.prefork import WorkerPool, WorkerSlot
from mostread.infra.http.server import stop_signal
from mostread.infra.logging import configure_logging


# The two options start one of several workers; see prefork.py.
@click.command()
@click.option("--worker", type=int, hidden=True)
@click.option("--pool", type=click.Path(path_type=Path), hidden=True)
def collector(worker: int | None, pool: Path | None) -> None:
    """Run the collector: HTTP ingest into Kafka.

    Reads MOSTREAD_COLLECTOR_PORT, MOSTREAD_KAFKA_BROKERS and other settings from the environment.
    """
    settings = CollectorSettings()
    slot = None
    if worker is not None and pool is not None:
        slot = WorkerSlot(worker, WorkerPool(pool, settings.collector_workers))
        configure_logging("collector", settings.log_level, worker=worker)
    else:
        configure_logging("collector", settings.log_level)
    # While Kafka is unavailable kafka-python logs every attempt, several per second;
    # `kafka_unavailable` and `kafka_connected` log each change once.
    # aiohttp logs a request that is not HTTP as an unhandled exception.
    if settings.log_level != "DEBUG":
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if slot is not None:
            runner.run(work(settings, slot))
        elif settings.collector_workers > 1:
            runner.run(run_workers(settings))
        else:
            runner.run(_run_single(settings))


async def _run_single(settings: CollectorSettings) -> None:
    await serve(settings, stop_signal())
