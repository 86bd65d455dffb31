"""The collector service: its parts, its HTTP application and its lifetime."""

import asyncio
import time
from contextlib import nullcontext

from aiohttp import web
from aiohttp.typedefs import Middleware

from mostread.collector.api import articles, events
from mostread.collector.config import MAX_BODY_BYTES, CollectorSettings
from mostread.collector.delivery.delivery import Delivery
from mostread.collector.delivery.producer import Producer
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.pipeline.pipeline import Pipeline
from mostread.infra import schemas
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.gc import relax_thresholds
from mostread.infra.http.prefork import WorkerPool, WorkerSlot
from mostread.infra.http.problems import Handler
from mostread.infra.http.server import Check, listen, new_application, new_registry
from mostread.infra.logging import get_logger

log = get_logger(__name__)


class CollectorApp:
    """State of a collector that outlives a request."""

    def __init__(self, settings: CollectorSettings) -> None:
        self.registry = new_registry()
        self.metrics = CollectorMetrics(self.registry)
        self.producer = Producer(settings, self.metrics)
        self.delivery = Delivery(settings, self.producer, self.metrics)
        self._token_store = TokenStore(
            settings.collector_tokens,
            settings.collector_tokens_file,
            self.metrics.tokens_file_invalid,
        )
        pipeline = Pipeline(settings)
        self._events = events.EventRoutes(
            settings, pipeline, self.delivery, self._token_store, self.metrics
        )
        self._articles = articles.ArticleRoutes(self.delivery, self._token_store)
        self.metrics.inflight_bytes.set_function(lambda: self.delivery.inflight_bytes)
        self.metrics.inflight_requests.set_function(lambda: self.delivery.inflight_requests)
        self.metrics.partitions.set_function(lambda: self.producer.partitions)

    def public_app(self, pool: WorkerPool | None) -> web.Application:
        """Return the public application; /readyz and /metrics cover all workers of `pool`."""
        app = new_application(
            checks=pool.checks() if pool else self.checks(),
            registry=pool.metrics if pool else self.registry,
            openapi=schemas.openapi("collector"),
            client_max_size=MAX_BODY_BYTES,
            cors={**events.CORS, **articles.CORS},
        )
        # Outermost, so that it sees every response as the client does.
        app.middlewares.insert(0, _measure(self.metrics))
        app.cleanup_ctx.append(self._token_store.follow)
        self._events.add_to(app)
        self._articles.add_to(app)
        return app

    def worker_app(self) -> web.Application:
        """Return the application for health and metrics of this process alone."""
        return new_application(checks=self.checks(), registry=self.registry)

    def checks(self) -> dict[str, Check]:
        async def kafka() -> str | None:
            return self.producer.unavailable_reason()

        return {"kafka": kafka}


def _measure(metrics: CollectorMetrics) -> Middleware:
    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        start = time.perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        route = "other" if resource is None else resource.canonical
        metrics.observe_request(route, response.status, time.perf_counter() - start)
        return response

    return measure


async def serve(
    settings: CollectorSettings, stop: asyncio.Event, slot: WorkerSlot | None = None
) -> None:
    """Serve until `stop`, then finish the requests in progress.

    `slot` identifies this process among those that share the port.
    """
    relax_thresholds()
    collector = CollectorApp(settings)
    metrics = collector.metrics
    await collector.producer.start()
    try:
        listening = await listen(
            collector.public_app(slot.pool if slot else None),
            settings.collector_host,
            settings.collector_port,
            "MOSTREAD_COLLECTOR_PORT",
            settings,
            shared=slot is not None,
            on_close=lambda reason: metrics.connections_closed[reason].inc(),
        )
        metrics.connections.set_function(lambda: len(listening.connections))
        try:
            async with slot.serve(collector.worker_app()) if slot else nullcontext():
                await stop.wait()
            log.info("stopping")
        finally:
            await listening.cleanup()
    finally:
        await collector.producer.close()
    log.info("stopped")
