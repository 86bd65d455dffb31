"""The collector's addresses. A handler reads from top to bottom: decode, admit, keep, answer."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import hdrs, web

from mostread import clock
from mostread.collector import articles, bearer
from mostread.collector.admission import Admission
from mostread.collector.away import away
from mostread.collector.batches import Batches
from mostread.collector.body import read, too_large
from mostread.collector.careful import Rejection, TooManyEvents
from mostread.collector.decode import decode
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.partition import lines_by_partition
from mostread.collector.publisher import Publisher
from mostread.collector.settings import MAX_EVENTS, CollectorSettings
from mostread.collector.stamp import stamp
from mostread.collector.tokens import Role, parse_tokens
from mostread.engagement.article import article_key
from mostread.errors import InvalidEvent, MostreadError, Unavailable
from mostread.web.problem import problem

ANYWHERE = {
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    # Without it a script on a page cannot read when to send again.
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: "Retry-After",
}
PREFLIGHT = {
    **ANYWHERE,
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Encoding, Content-Type",
    hdrs.ACCESS_CONTROL_MAX_AGE: "86400",
}
CMS = frozenset({Role.CMS, Role.EDITOR})
_encode = msgspec.json.Encoder().encode


class Routes:
    """The handlers, and what they share."""

    def __init__(
        self,
        settings: CollectorSettings,
        publisher: Publisher,
        batches: Batches,
        metrics: CollectorMetrics,
    ) -> None:
        self._settings = settings
        self._publisher = publisher
        self._batches = batches
        self._metrics = metrics
        self._tokens = parse_tokens(settings.collector_tokens)
        self._admission = Admission(settings)

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/v1/events", self.post_events)
        app.router.add_options("/v1/events", self.preflight)
        app.router.add_put("/v1/articles/{article_id}", self.put_article)
        app.router.add_delete("/v1/articles/{article_id}", self.delete_article)

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
        token = bearer.caller(request, self._tokens)
        self._batches.require()  # before any work: what cannot be kept need not be understood
        body = await read(request)
        events, rejected = decode(
            body,
            may_take_back=token is not None and token.role is Role.EMIT,
            max_events=MAX_EVENTS,
        )
        if rejected:
            for rejection in rejected:
                self._metrics.rejected[rejection.reason].inc()
        if not events:
            return _nothing_valid(rejected)
        admitted, dropped = self._admission.admit(events)
        if admitted:
            stamp(admitted, clock.now_ms())
            await self._batches.add(lines_by_partition(admitted, self._publisher.partitions))
            self._metrics.accepted.inc(len(admitted))
        for reason, count in dropped.items():
            self._metrics.dropped[reason].inc(count)
        return web.Response(
            status=202,
            body=b'{"accepted":%d,"dropped":%d,"rejected":%b}'
            % (len(admitted), len(events) - len(admitted), _encode(rejected)),
            content_type="application/json",
        )

    async def put_article(self, request: web.Request) -> web.Response:
        """Keep what a CMS says about an article, in place of all it said before."""

        async def keep() -> web.Response:
            article_id, site = _name(request)
            article = articles.decode(await read(request), article_id, site)
            value = articles.encode(article)
            await self._keep_article(article_key(site, article_id), value)
            return web.Response(body=value, content_type="application/json")

        return await self._for_cms(request, keep)

    async def delete_article(self, request: web.Request) -> web.Response:
        """Forget what a CMS said about an article; its counts stay."""

        async def forget() -> web.Response:
            article_id, site = _name(request)
            articles.check_name(article_id, site)
            await self._keep_article(article_key(site, article_id), None)
            return web.Response(status=204)

        return await self._for_cms(request, forget)

    async def _for_cms(
        self, request: web.Request, handle: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        try:
            bearer.require(request, self._tokens, CMS)
            return await handle()
        except bearer.Refused as refused:
            return refused.answer
        except InvalidEvent as error:
            return problem(
                400, "invalid-article", "Bad Request", str(error)[:500], reason=error.reason
            )
        except Unavailable as error:
            return away(request, error)

    async def _keep_article(self, key: bytes, value: bytes | None) -> None:
        """Write to the articles topic and wait for the acknowledgement."""
        size = len(key) + len(value or b"")
        self._publisher.reserve(size)
        kept = asyncio.get_running_loop().create_future()

        def done(error: MostreadError | None) -> None:
            if kept.done():
                return
            if error is None:
                kept.set_result(None)
            else:
                kept.set_exception(error)

        self._publisher.send(
            self._settings.articles_topic, value, key=key, reserved=size, done=done
        )
        await kept


def _name(request: web.Request) -> tuple[str, str]:
    return request.match_info["article_id"], request.query.get("site", "default")


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
