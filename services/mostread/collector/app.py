"""The collector put together: settings in, a running service out."""

import time

from aiohttp import web
from aiohttp.typedefs import Middleware

from mostread import logs, schemas
from mostread.collector.batches import Batches
from mostread.collector.intake import Intake
from mostread.collector.known_tokens import KnownTokens
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.publisher import Publisher
from mostread.collector.routes import Routes
from mostread.collector.settings import MAX_BODY_BYTES, CollectorSettings
from mostread.web.problem import Handler
from mostread.web.service import listen, new_application, new_registry, stop_signal

log = logs.get(__name__)


def new_app(settings: CollectorSettings) -> tuple[web.Application, Publisher]:
    """Return the application and its publisher, which whoever runs it starts and closes."""
    registry = new_registry()
    metrics = CollectorMetrics(registry)
    publisher = Publisher(settings, metrics)
    metrics.pending_bytes.set_function(lambda: publisher.pending_bytes)
    metrics.partitions.set_function(lambda: publisher.partitions)

    async def kafka() -> str | None:
        return publisher.fault()

    app = new_application(
        checks={"kafka": kafka},
        registry=registry,
        openapi=schemas.openapi("collector"),
        client_max_size=MAX_BODY_BYTES,
    )
    # Outermost, so that it sees each answer as the client does.
    app.middlewares.insert(0, _measured(metrics))
    known = KnownTokens(settings, metrics)
    app.cleanup_ctx.append(known.follow)
    intake = Intake(settings, publisher, Batches(settings, publisher, metrics), metrics)
    Routes(settings, publisher, intake, known).add_to(app)
    return app, publisher


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


async def serve(settings: CollectorSettings) -> None:
    """Serve until SIGTERM or SIGINT; then every request that was taken is answered first."""
    stop = stop_signal()
    app, publisher = new_app(settings)
    await publisher.start()
    try:
        host, port = settings.collector_host, settings.collector_port
        runner = await listen(app, host, port, "MOSTREAD_COLLECTOR_PORT")
        try:
            await stop.wait()
            log.info("stopping")
        finally:
            await runner.cleanup()
    finally:
        await publisher.close()
    log.info("stopped")
