"""The collector service: its parts, its HTTP application and its lifetime."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from mostread.collector.api import aliases, articles, events
from mostread.collector.config import CollectorSettings
from mostread.collector.delivery.delivery import Delivery
from mostread.collector.delivery.producer import Producer
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.pipeline.pipeline import Pipeline
from mostread.infra import schemas
from mostread.infra.auth.assertions import Assertions
from mostread.infra.auth.signing import parse_secrets
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.clock import now_ms
from mostread.infra.gc import relax_thresholds
from mostread.infra.http.application import Application
from mostread.infra.http.connections import Connections
from mostread.infra.http.operations import Check, Scrape, add_operational_routes, new_registry
from mostread.infra.http.server import serving
from mostread.infra.http.workers import Service, WorkerPool
from mostread.infra.logging import configure_logging, get_logger

log = get_logger(__name__)


class CollectorApp:
    """State of a collector that outlives a request."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self.registry = new_registry(settings.revision)
        self.metrics = CollectorMetrics(self.registry)
        self.producer = Producer(settings, self.metrics)
        self.delivery = Delivery(settings, self.producer, self.metrics)
        self._token_store = TokenStore(
            settings.collector_tokens,
            settings.collector_tokens_file,
            self.metrics.tokens,
        )
        pipeline = Pipeline(settings)
        self._events = events.EventRoutes(
            settings, pipeline, self.delivery, self._token_store, self.metrics
        )
        self._articles = articles.ArticleRoutes(
            self.delivery,
            self._token_store,
            Assertions(parse_secrets(settings.collector_session_secret), now_ms),
        )
        self._aliases = aliases.AliasRoutes(self.delivery, self._token_store)
        self.metrics.inflight_bytes.set_function(lambda: self.delivery.inflight_bytes)
        self.metrics.inflight_requests.set_function(lambda: self.delivery.inflight_requests)
        self.metrics.partitions.set_function(lambda: self.producer.partitions)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect to Kafka, and deliver what was accepted before disconnecting."""
        relax_thresholds()
        async with self._token_store.following():
            await self.producer.start()
            try:
                yield
            finally:
                await self.producer.close()

    def new_application(
        self,
        checks: Mapping[str, Check] | None = None,
        registry: CollectorRegistry | Scrape | None = None,
    ) -> Application:
        """Return the HTTP application; `checks` and `registry` default to those of this process."""
        app = Application(
            self._settings,
            cors=events.CORS,
            observe=self.metrics.requests.observe,
        )
        add_operational_routes(
            app,
            checks=checks or self.checks(),
            registry=registry or self.registry,
            openapi=schemas.openapi("collector"),
        )
        self._events.add_to(app)
        self._articles.add_to(app)
        self._aliases.add_to(app)
        return app

    def connections(self, port: int) -> Connections:
        """Return the limits and metrics of the connections on `port`."""
        connections = Connections(
            port,
            self._settings,
            self._settings.collector_ack_timeout_seconds,
            lambda reason: self.metrics.connections_closed[reason].inc(),
        )
        self.metrics.connections.set_function(lambda: connections.open)
        return connections

    def checks(self) -> dict[str, Check]:
        async def kafka() -> str | None:
            return self.producer.unavailable_reason()

        return {"kafka": kafka}


def worker_service(settings: CollectorSettings, pool: WorkerPool, number: int) -> Service:
    """Return what one of several processes serves."""
    configure_logging("collector", settings.log_level, worker=number)
    collector = CollectorApp(settings)
    return Service(
        app=collector.new_application(pool.checks(), pool.metrics),
        running=collector.running(),
        connections=collector.connections(settings.collector_port),
        checks=collector.checks(),
        registry=collector.registry,
    )


async def serve(settings: CollectorSettings, stop: asyncio.Event) -> None:
    """Serve until `stop`, then finish the requests in progress."""
    collector = CollectorApp(settings)
    async with (
        collector.running(),
        serving(
            collector.new_application(),
            settings.endpoint,
            settings,
            collector.connections,
        ),
    ):
        await stop.wait()
        log.info("stopping")
    log.info("stopped")
