"""Endpoints for events: POST /v1/events, the tracking pixel and the tracker scripts."""

import msgspec

from mostread.collector.api import pixel, tracker
from mostread.collector.config import CollectorSettings
from mostread.collector.delivery.delivery import Delivery
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.pipeline.client_info import AddressResolver, ClientInfo
from mostread.collector.pipeline.event import EARLIEST_TIMESTAMP
from mostread.collector.pipeline.pipeline import DropReason, IngestResult, Pipeline
from mostread.collector.pipeline.strict_decoder import no_valid_event
from mostread.core.events import LATEST_TIMESTAMP
from mostread.errors import InvalidSentAt, Unavailable
from mostread.infra import clock, request_id
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.http.application import Application
from mostread.infra.http.auth import authenticate
from mostread.infra.http.cors import CorsPolicy
from mostread.infra.http.messages import Request, Response

DROPPED = "X-Mostread-Dropped"
BOT = "X-Mostread-Bot"
# Without `expose`, a script on a page could not read when to retry.
EXPOSED_HEADERS = f"Retry-After, {DROPPED}, {BOT}, {request_id.HEADER}"
PATH = "/v1/events"
# Public filter lists block what looks like tracking, by its path alone.
UNBLOCKED_PATH = "/v1/items"
CORS = {
    PATH: CorsPolicy(expose=EXPOSED_HEADERS, credentials=True),
    pixel.PATH: pixel.CORS,
    **{script.path: tracker.CORS for script in tracker.SCRIPTS},
}
_encode = msgspec.json.Encoder().encode


class EventRoutes:
    """Handlers that accept events. A success means that Kafka acknowledged them."""

    def __init__(
        self,
        settings: CollectorSettings,
        pipeline: Pipeline,
        delivery: Delivery,
        token_store: TokenStore,
        metrics: CollectorMetrics,
    ) -> None:
        self._pipeline = pipeline
        self._delivery = delivery
        self._token_store = token_store
        self._metrics = metrics
        self._addresses = AddressResolver(
            settings.trusted_proxies,
            settings.collector_forwarded_header,
            settings.collector_trusted_hops,
        )

    def add_to(self, app: Application) -> None:
        self._bodies = app.bodies
        app.add("POST", PATH, self.post_events)
        app.add_aliases(PATH, UNBLOCKED_PATH)
        # Link checkers send HEAD; clients that show images do not.
        app.add("GET", pixel.PATH, self.get_pixel, head=False)
        app.add_aliases(pixel.PATH, pixel.UNBLOCKED_PATH)
        for script in tracker.SCRIPTS:
            app.add("GET", script.path, script.get)
            app.add_aliases(script.path, script.unblocked_path)

    async def post_events(self, request: Request) -> Response:
        """Accept events and answer 202 once they are in Kafka."""
        client = self._client(request)
        if request.query_string:
            client.sent_at = parse_sent_at(request)
            client.wants_receipts = not client.is_server and request.query.get("receipts") == "1"
        self._delivery.check_capacity()  # a request to be refused need not be read
        result = await self._ingest(await self._bodies.read(request), client)
        body = b'{"accepted":%d,"dropped":%d,"rejected":%b' % (
            len(result.events),
            sum(result.dropped.values()),
            _encode(result.rejected),
        )
        if result.dropped and (client.role is not None or client.is_developer):
            body += b',"reasons":%b' % _encode(result.dropped)
        if result.receipts is not None:
            body += b',"receipts":%b' % _encode(result.receipts)
        response = Response.json(body + b"}", status=202)
        _add_drop_reasons(response, result, client)
        return response

    async def get_pixel(self, request: Request) -> Response:
        """Count a view and return an image, whether or not the view counts."""
        client = self._client(request)
        event = pixel.view_from_query(request.query)
        try:
            self._delivery.check_capacity()
            result = await self._ingest(event, client)
        except Unavailable as error:
            return pixel.unavailable_image(error)
        response = pixel.image()
        _add_drop_reasons(response, result, client)
        return response

    def _client(self, request: Request) -> ClientInfo:
        """Return the client of a request. Raises Unauthorized for a token that is not valid."""
        token = authenticate(request.headers, self._token_store.tokens, clock.now_ms())
        address = self._addresses.resolve(request)
        if token is None:
            return ClientInfo(address, request.headers)
        return ClientInfo(address, request.headers, token.role, token.sites)

    async def _ingest(self, body: bytes, client: ClientInfo) -> IngestResult:
        """Process and deliver the events of a body, and count their outcomes.

        Raises NoValidEvent, TooManyEvents, and Unavailable if delivery failed.
        """
        result = self._pipeline.process(body, client, clock.now_ms())
        for rejection in result.rejected:
            self._metrics.rejected[rejection.reason].inc()
        if not result.has_valid_events:
            raise no_valid_event(result.rejected)
        if result.events:
            await self._delivery.send(result.events)
            self._metrics.accepted.inc(len(result.events))
        for reason, count in result.dropped.items():
            self._metrics.dropped[reason].inc(count)
        if result.bot_pattern is not None:
            pattern = self._metrics.bot_events.labels(result.bot_pattern)
            pattern.inc(result.dropped[DropReason.BOT])
        return result


def _add_drop_reasons(response: Response, result: IngestResult, client: ClientInfo) -> None:
    """Add the drop reasons as headers for clients with a token."""
    if result.dropped and client.role is not None:
        response.headers[DROPPED] = ", ".join(
            f"{reason}={count}" for reason, count in result.dropped.items()
        )
        if result.bot_pattern is not None:
            response.headers[BOT] = result.bot_pattern


def parse_sent_at(request: Request) -> int | None:
    """Return the client's clock in milliseconds from the query, or None. Raises InvalidSentAt.

    It is a query parameter because a page that sends a beacon cannot set a header.
    """
    text = request.query.get("sent_at")
    if text is None:
        return None
    # isdecimal alone accepts digits of other scripts too.
    if text.isascii() and text.isdecimal() and len(text) <= 13:
        timestamp = int(text)
        if EARLIEST_TIMESTAMP <= timestamp <= LATEST_TIMESTAMP:
            return timestamp
    raise InvalidSentAt(
        f"sent_at={text[:40]!r} is not a time in milliseconds since 1970. Send Date.now(), or "
        "leave it out. No event was accepted."
    )
