"""`mostread collector`."""

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


# The two options are how several workers are started; see workers.py.
@click.command()
@click.option("--worker", type=int, hidden=True)
@click.option("--siblings", type=click.Path(path_type=Path), hidden=True)
def collector(worker: int | None, siblings: Path | None) -> None:
    """Take events over HTTP and keep them in Kafka.

    Settings come from the environment: MOSTREAD_COLLECTOR_PORT, MOSTREAD_KAFKA_BROKERS, ...
    """
    settings = CollectorSettings()
    place = None
    if worker is not None and siblings is not None:
        place = WorkerSlot(worker, WorkerPool(siblings, settings.collector_workers))
        configure_logging("collector", settings.log_level, worker=worker)
    else:
        configure_logging("collector", settings.log_level)
    # While Kafka is away kafka-python writes a line for every attempt, several a second;
    # `kafka_unavailable` and `kafka_connected` say it once.
    # aiohttp calls it an unhandled exception when a request is not HTTP.
    if settings.log_level != "DEBUG":
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if place is not None:
            runner.run(work(settings, place))
        elif settings.collector_workers > 1:
            runner.run(run_workers(settings))
        else:
            runner.run(_alone(settings))


async def _alone(settings: CollectorSettings) -> None:
    await serve(settings, stop_signal())
