"""`mostread collector`."""

import asyncio
import logging

import click
import uvloop

from mostread import logs
from mostread.collector.app import serve
from mostread.collector.settings import CollectorSettings


@click.command()
def collector() -> None:
    """Take events over HTTP and keep them in Kafka.

    Settings come from the environment: MOSTREAD_COLLECTOR_PORT, MOSTREAD_KAFKA_BROKERS, ...
    """
    settings = CollectorSettings()
    logs.configure("collector", settings.log_level)
    # While Kafka is away kafka-python writes a line for every attempt, several a second;
    # `kafka_away` and `kafka_there` say it once.
    # aiohttp calls it an unhandled exception when a body does not inflate.
    if settings.log_level != "DEBUG":
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))
