"""The addresses of an article: what its CMS says of it, and what an editor decides."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from mostread.collector.api import payloads
from mostread.collector.api.body import read
from mostread.collector.api.errors import away
from mostread.collector.api.events import ANYWHERE, PREFLIGHT
from mostread.collector.config import CollectorSettings
from mostread.collector.delivery.producer import Publisher
from mostread.core.editorial.articles import article_key
from mostread.core.editorial.placements import Placement, placement_key
from mostread.errors import InvalidEvent, MostreadError, Unavailable
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.auth.tokens import Role, Token
from mostread.infra.http import auth as bearer
from mostread.infra.http.problems import problem

CMS = frozenset({Role.CMS, Role.EDITOR})
EDITORS = frozenset({Role.EDITOR})
# The newsroom's page comes from another server. Nobody decides by a cookie that a browser adds
# by itself, so the page of a stranger can do nothing here.
PLACEMENT_PREFLIGHT = {**PREFLIGHT, hdrs.ACCESS_CONTROL_ALLOW_METHODS: "PUT, DELETE"}

Handler = Callable[[Token], Awaitable[web.Response]]


class ArticleRoutes:
    """The handlers, and what they share. Each answers when Kafka has acknowledged."""

    def __init__(
        self, settings: CollectorSettings, publisher: Publisher, known: TokenStore
    ) -> None:
        self._topic = settings.articles_topic
        self._publisher = publisher
        self._known = known

    def add_to(self, app: web.Application) -> None:
        # Said by a pattern, because aiohttp's own for a part of a path leaves out braces.
        article = "/v1/articles/{article_id:[^/]+}"
        app.router.add_put(article, self.put_article)
        app.router.add_delete(article, self.delete_article)
        app.router.add_put(f"{article}/placement", self.put_placement)
        app.router.add_delete(f"{article}/placement", self.delete_placement)
        app.router.add_options(f"{article}/placement", self.preflight_placement)

    async def put_article(self, request: web.Request) -> web.Response:
        """Keep what a CMS says about an article, in place of all it said before."""

        async def keep(_: Token) -> web.Response:
            article_id, site = _name(request)
            article = payloads.decode_article(await read(request), article_id, site)
            value = payloads.encode(article)
            await self._keep(article_key(site, article_id), value)
            return web.Response(body=value, content_type="application/json")

        return await self._for(CMS, request, keep, wrong="invalid-article")

    async def delete_article(self, request: web.Request) -> web.Response:
        """Forget what a CMS said about an article; its counts stay."""

        async def forget(_: Token) -> web.Response:
            article_id, site = _name(request)
            payloads.check_name(article_id, site)
            await self._keep(article_key(site, article_id), None)
            return web.Response(status=204)

        return await self._for(CMS, request, forget, wrong="invalid-article")

    async def put_placement(self, request: web.Request) -> web.Response:
        """Keep what an editor decides about an article, in place of the decision before."""

        async def keep(token: Token) -> web.Response:
            decision = payloads.decode_placement(await read(request), *_name(request), token.name)
            value = await self._decide(decision)
            return web.Response(body=value, content_type="application/json")

        return await self._for_editors(request, keep)

    async def delete_placement(self, request: web.Request) -> web.Response:
        """Leave an article to its CMS again."""

        async def leave(token: Token) -> web.Response:
            await self._decide(payloads.none_any_more(*_name(request), token.name))
            return web.Response(status=204)

        return await self._for_editors(request, leave)

    async def preflight_placement(self, _: web.Request) -> web.Response:
        """Let the newsroom's page ask, wherever it comes from."""
        return web.Response(status=204, headers=PLACEMENT_PREFLIGHT)

    async def _for_editors(self, request: web.Request, handle: Handler) -> web.Response:
        answer = await self._for(EDITORS, request, handle, wrong="invalid-placement")
        answer.headers.update(ANYWHERE)
        return answer

    async def _for(
        self, roles: frozenset[Role], request: web.Request, handle: Handler, *, wrong: str
    ) -> web.Response:
        """Return what `handle` answers to a token of one of `roles`, or why it does not.

        `wrong` is the name of the problem where what was sent breaks its contract.
        """
        try:
            return await handle(bearer.require(request, self._known.tokens, roles))
        except bearer.Refused as refused:
            return refused.answer
        except InvalidEvent as error:
            return problem(400, wrong, "Bad Request", str(error)[:500], reason=error.reason)
        except Unavailable as error:
            return away(request, error)

    async def _decide(self, decision: Placement) -> bytes:
        value = payloads.encode(decision)
        await self._keep(placement_key(decision.site, decision.article_id), value)
        return value

    async def _keep(self, key: bytes, value: bytes | None) -> None:
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

        self._publisher.send(self._topic, value, key=key, reserved=size, done=done)
        await kept


def _name(request: web.Request) -> tuple[str, str]:
    return request.match_info["article_id"], request.query.get("site", "default")
