"""The addresses for events. A handler reads from top to bottom: decode, admit, keep, answer."""

import msgspec
from aiohttp import hdrs, web

from mostread.collector.api import pixel
from mostread.collector.api.body import read, too_large
from mostread.collector.api.errors import away
from mostread.collector.api.tracker import tracker
from mostread.collector.config import CollectorSettings
from mostread.collector.pipeline.client_info import Addresses, Sender
from mostread.collector.pipeline.pipeline import Intake, Taken
from mostread.collector.pipeline.strict_decoder import Rejection, TooManyEvents
from mostread.core.events import LATEST_TIMESTAMP
from mostread.errors import Unavailable
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.http import auth as bearer
from mostread.infra.http.auth import Refused
from mostread.infra.http.problems import problem

DROPPED = "X-Mostread-Dropped"
ANYWHERE = {
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    # Without it a script on a page cannot read when to send again.
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: f"Retry-After, {DROPPED}",
}
PREFLIGHT = {
    **ANYWHERE,
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Encoding, Content-Type",
    hdrs.ACCESS_CONTROL_MAX_AGE: "86400",
}
_encode = msgspec.json.Encoder().encode


class Routes:
    """The handlers, and what they share."""

    def __init__(self, settings: CollectorSettings, intake: Intake, known: TokenStore) -> None:
        self._intake = intake
        self._known = known
        self._addresses = Addresses(settings.trusted_proxies, settings.collector_forwarded_header)

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/v1/events", self.post_events)
        app.router.add_options("/v1/events", self.preflight)
        # A HEAD is from who follows links, not from who shows pictures.
        app.router.add_get("/v1/pixel.gif", self.get_pixel, allow_head=False)
        app.router.add_get("/tracker.js", tracker)

    async def preflight(self, _: web.Request) -> web.Response:
        """Let any page send events; no cookie and no other credential is looked at."""
        return web.Response(status=204, headers=PREFLIGHT)

    async def post_events(self, request: web.Request) -> web.Response:
        """Keep events; 202 means that Kafka has them."""
        try:
            answer = await self._post_events(request)
        except bearer.Refused as refused:
            answer = refused.answer
        except TooManyEvents as error:
            answer = too_large(str(error))
        except Unavailable as error:
            answer = away(request, error)
        answer.headers.update(ANYWHERE)
        return answer

    async def _post_events(self, request: web.Request) -> web.Response:
        sender = self._sender(request)
        sent = sent_at(request)
        self._intake.require()  # before any work: what cannot be kept need not be understood
        taken = await self._intake.take(await read(request), sender, sent)
        if taken.nothing_valid:
            return _nothing_valid(taken.rejected)
        answer = web.Response(
            status=202,
            body=b'{"accepted":%d,"dropped":%d,"rejected":%b}'
            % (taken.accepted, sum(taken.dropped.values()), _encode(taken.rejected)),
            content_type="application/json",
        )
        _say_what_was_dropped(answer, taken, sender)
        return answer

    async def get_pixel(self, request: web.Request) -> web.Response:
        """Count a view, and answer a picture whether or not it is one to count."""
        try:
            sender = self._sender(request)
            event = pixel.event(request.query)
            if isinstance(event, Rejection):
                return _nothing_valid([event])
            self._intake.require()
            taken = await self._intake.take(event, sender, None)
        except bearer.Refused as refused:
            return refused.answer
        except Unavailable as error:
            return pixel.picture_away(away(request, error))
        if taken.nothing_valid:
            return _nothing_valid(taken.rejected)
        answer = pixel.picture()
        _say_what_was_dropped(answer, taken, sender)
        return answer

    def _sender(self, request: web.Request) -> Sender:
        """Return who asks. Raises Refused for a token that is not known."""
        token = bearer.caller(request, self._known.tokens)
        role = None if token is None else token.role
        return Sender(self._addresses.of(request), request.headers, role)


def _say_what_was_dropped(answer: web.Response, taken: Taken, sender: Sender) -> None:
    """Tell the reasons to who has a token; nobody else learns how to get around them."""
    if taken.dropped and sender.role is not None:
        answer.headers[DROPPED] = ", ".join(
            f"{reason}={count}" for reason, count in taken.dropped.items()
        )


def _nothing_valid(rejected: list[Rejection]) -> web.Response:
    if not rejected:
        detail = "The body holds no event. Send a JSON object, a JSON array, or NDJSON."
    else:
        detail = "No event was valid; `rejected` says why. Sending it again will not help."
    return problem(
        400,
        "no-valid-event",
        "Bad Request",
        detail,
        rejected=[msgspec.to_builtins(rejection) for rejection in rejected],
    )


def sent_at(request: web.Request) -> int | None:
    """Return what the sender's clock showed, in milliseconds, None where it did not say.

    In the address, since a page that sends a beacon cannot set a header. Raises Refused.
    """
    if "?" not in request.raw_path:  # most have none, and to look further is dear
        return None
    text = request.query.get("sent_at")
    if text is None:
        return None
    # isdecimal alone is true of digits of other scripts too.
    if not (text.isascii() and text.isdecimal() and len(text) <= 13):
        raise Refused(_wrong(text))
    if (moment := int(text)) > LATEST_TIMESTAMP:
        raise Refused(_wrong(text))
    return moment


def _wrong(text: str) -> web.Response:
    return problem(
        400,
        "invalid-sent-at",
        "Bad Request",
        f"sent_at={text[:40]!r} is no time. Send milliseconds since 1970, as Date.now() gives "
        "them, or leave it out. Nothing was kept.",
    )
