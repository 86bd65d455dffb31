"""The command `mostread collector`."""

import logging
import secrets
from functools import partial

import click
import uvloop
from pydantic import SecretStr

from mostread.collector.app import serve, worker_service
from mostread.collector.config import CollectorSettings
from mostread.infra.http.server import stop_signal
from mostread.infra.http.workers import run_workers
from mostread.infra.logging import configure_logging


@click.command()
def collector() -> None:
    """Run the collector: HTTP ingest into Kafka.

    Reads MOSTREAD_COLLECTOR_PORT, MOSTREAD_KAFKA_BROKERS and other settings from the environment.
    """
    settings = CollectorSettings()
    configure_logging("collector", settings.log_level)
    # While Kafka is unavailable kafka-python logs every attempt, several per second;
    # `kafka_unavailable` and `kafka_connected` log each change once.
    if settings.log_level != "DEBUG":
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
    if settings.collector_workers > 1:
        _run_workers(settings)
    else:
        uvloop.run(_run_single(settings))


async def _run_single(settings: CollectorSettings) -> None:
    await serve(settings, stop_signal())


def _run_workers(settings: CollectorSettings) -> None:
    """Run several processes, which give a visitor the same id."""
    if not settings.collector_visitor_secret.get_secret_value():
        secret = SecretStr(secrets.token_hex(32))
        settings = settings.model_copy(update={"collector_visitor_secret": secret})
    run_workers(
        settings.collector_workers,
        settings.endpoint,
        settings,
        partial(worker_service, settings),
    )
