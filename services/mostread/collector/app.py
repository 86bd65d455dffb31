"""The collector put together: settings in, a running service out."""

import asyncio
import time
from contextlib import nullcontext

from aiohttp import web
from aiohttp.typedefs import Middleware

from mostread.collector.api.articles import ArticleRoutes
from mostread.collector.api.events import Routes
from mostread.collector.config import MAX_BODY_BYTES, CollectorSettings
from mostread.collector.delivery.batcher import Batches
from mostread.collector.delivery.producer import Publisher
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.pipeline.pipeline import Intake
from mostread.infra import schemas
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.gc import relax_thresholds
from mostread.infra.http.prefork import WorkerPool, WorkerSlot
from mostread.infra.http.problems import Handler
from mostread.infra.http.server import Check, listen, new_application, new_registry
from mostread.infra.logging import get_logger

log = get_logger(__name__)


class Collector:
    """The parts of a collector that do not live in one request."""

    def __init__(self, settings: CollectorSettings) -> None:
        self.registry = new_registry()
        self.metrics = CollectorMetrics(self.registry)
        self.publisher = Publisher(settings, self.metrics)
        self.metrics.pending_bytes.set_function(lambda: self.publisher.pending_bytes)
        self.metrics.partitions.set_function(lambda: self.publisher.partitions)
        self._settings = settings

    def app(self, siblings: WorkerPool | None) -> web.Application:
        """Return what clients reach; of its state it speaks for all `siblings`."""
        app = new_application(
            checks=siblings.checks() if siblings else self.checks(),
            registry=siblings.metrics if siblings else self.registry,
            openapi=schemas.openapi("collector"),
            client_max_size=MAX_BODY_BYTES,
        )
        # Outermost, so that it sees each answer as the client does.
        app.middlewares.insert(0, _measured(self.metrics))
        batches = Batches(self._settings, self.publisher, self.metrics)
        self.metrics.waiting_requests.set_function(lambda: batches.requests)
        known = TokenStore(
            self._settings.collector_tokens,
            self._settings.collector_tokens_file,
            self.metrics.tokens_file_invalid,
        )
        app.cleanup_ctx.append(known.follow)
        intake = Intake(self._settings, self.publisher, batches, self.metrics)
        Routes(self._settings, intake, known).add_to(app)
        ArticleRoutes(self._settings, self.publisher, known).add_to(app)
        return app

    def app_for_siblings(self) -> web.Application:
        """Return what speaks of this process alone."""
        return new_application(checks=self.checks(), registry=self.registry)

    def checks(self) -> dict[str, Check]:
        async def kafka() -> str | None:
            return self.publisher.fault()

        return {"kafka": kafka}


def _measured(metrics: CollectorMetrics) -> Middleware:
    @web.middleware
    async def measured(request: web.Request, handler: Handler) -> web.StreamResponse:
        start = time.perf_counter()
        answer = await handler(request)
        resource = request.match_info.route.resource
        route = "other" if resource is None else resource.canonical
        metrics.answered(route, answer.status, time.perf_counter() - start)
        return answer

    return measured


async def serve(
    settings: CollectorSettings, stop: asyncio.Event, place: WorkerSlot | None = None
) -> None:
    """Serve until `stop`; then every request that was taken is answered first.

    `place` is where this process shares the port with others.
    """
    relax_thresholds()
    collector = Collector(settings)
    metrics = collector.metrics
    await collector.publisher.start()
    try:
        listening = await listen(
            collector.app(place.siblings if place else None),
            settings.collector_host,
            settings.collector_port,
            "MOSTREAD_COLLECTOR_PORT",
            settings,
            shared=place is not None,
            cut=lambda reason: metrics.cut[reason].inc(),
        )
        metrics.connections.set_function(lambda: len(listening.connections))
        try:
            async with place.answering(collector.app_for_siblings()) if place else nullcontext():
                await stop.wait()
            log.info("stopping")
        finally:
            await listening.cleanup()
    finally:
        await collector.publisher.close()
    log.info("stopped")
