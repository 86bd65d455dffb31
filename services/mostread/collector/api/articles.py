"""Endpoints for articles: metadata from a CMS or a feed, and placements from editors.

The id of an article is in the path, in the query, or in the body: ids often contain slashes, which
many proxies decode or resolve in a path.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import uuid4

import msgspec

from mostread.collector.api import payloads
from mostread.collector.api.payloads import DecodedArticle, Ids
from mostread.collector.delivery.delivery import Delivery
from mostread.core.control import encode_forget
from mostread.core.editorial.aliases import Alias
from mostread.core.editorial.articles import Source, article_key
from mostread.core.editorial.placements import Placement, placement_key
from mostread.core.editorial.records import forget_key, record_keys, record_version
from mostread.errors import BadParameter, Forbidden
from mostread.infra.auth.assertions import Assertion, Assertions, request_digest
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.auth.tokens import ADMINS, DESCRIBERS, EDITORS, Role, Token
from mostread.infra.clock import now_ms
from mostread.infra.http.application import Application
from mostread.infra.http.auth import authenticate, require_role
from mostread.infra.http.messages import Request, RequestedChange, Response, query_pairs

ARTICLES = "/v1/articles"
ARTICLE = f"{ARTICLES}/{{article_id}}"
PLACEMENT = "/v1/placement"
PLACEMENT_OF = f"{ARTICLE}/placement"
_SOURCES = {source.name.lower(): source for source in Source}
_encode = msgspec.json.Encoder().encode


class ArticleRoutes:
    """Handlers that write into Kafka. A success means that it acknowledged."""

    def __init__(self, delivery: Delivery, token_store: TokenStore, assertions: Assertions) -> None:
        self._delivery = delivery
        self._token_store = token_store
        self._assertions = assertions

    def add_to(self, app: Application) -> None:
        self._bodies = app.bodies
        app.add("POST", ARTICLES, self.post_articles)
        for path in (ARTICLES, ARTICLE):
            app.add("PUT", path, self.put_article)
            app.add("DELETE", path, self.delete_article)
        for path in (PLACEMENT, PLACEMENT_OF):
            app.add("PUT", path, self.put_placement)
            app.add("DELETE", path, self.delete_placement)

    async def post_articles(self, request: Request) -> Response:
        """Replace the metadata of up to 1,000 articles."""
        token = self._require(request, DESCRIBERS)
        check_query(request, "site", "source")
        source = _source(request)
        body = await self._bodies.read(request)
        site = request.query.get("site")
        articles, rejected = payloads.decode_articles(body, site, token.require_site)
        name_articles(request, articles)
        await self._describe(articles, source)
        return Response.json(b'{"accepted":%d,"rejected":%b}' % (len(articles), _encode(rejected)))

    async def put_article(self, request: Request) -> Response:
        """Replace the metadata of an article."""
        token = self._require(request, DESCRIBERS)
        article = payloads.decode_article(await self._bodies.read(request), _ids(request))
        name_articles(request, [article])
        token.require_site(article.site)
        await self._describe([article], Source.CMS)
        return Response.json(article.value)

    async def delete_article(self, request: Request) -> Response:
        """Delete the metadata of an article, and on request all that is known about it."""
        numbers = _flag(request, "numbers")
        token = self._require(request, ADMINS if numbers else DESCRIBERS)
        article = payloads.deleted_article(_ids(request, "numbers"))
        name_articles(request, [article])
        token.require_site(article.site)
        if numbers:
            await self._forget(article.site, article.article_id, token.name)
        else:
            await self._describe([article], Source.CMS)
        return Response(status=204)

    async def put_placement(self, request: Request) -> Response:
        """Replace the placement of an article."""
        editor = self._editor(request)
        body = await self._bodies.read(request)
        placement = payloads.decode_placement(body, _ids(request), editor.name)
        self._check(editor, request, placement, body)
        return Response.json(await self._place(placement))

    async def delete_placement(self, request: Request) -> Response:
        """Leave an article to its CMS."""
        editor = self._editor(request)
        placement = payloads.empty_placement(_ids(request), editor.name)
        self._check(editor, request, placement, b"")
        await self._place(placement)
        return Response(status=204)

    def _require(self, request: Request, roles: frozenset[Role]) -> Token:
        return require_token(request, self._token_store, roles)

    def _editor(self, request: Request) -> Token | Assertion:
        """Return who decides: an editor's token, or the ranking service in an editor's name."""
        assertion = self._assertions.verify(request.headers.get("Authorization"))
        if assertion is None:
            return self._require(request, EDITORS)
        request.change = RequestedChange(assertion.name, Role.EDITOR, "ranking")
        return assertion

    def _check(
        self, editor: Token | Assertion, request: Request, placement: Placement, body: bytes
    ) -> None:
        """Raise Forbidden unless `editor` may decide about this article."""
        name_articles(request, [placement])
        if isinstance(editor, Token):
            editor.require_site(placement.site)
            return
        digest = request_digest(request.method, placement.site, placement.article_id, body)
        if editor.digest != digest:
            raise Forbidden("The assertion belongs to another request.")

    async def _describe(self, articles: Sequence[DecodedArticle], source: Source) -> None:
        await self._delivery.send_articles(
            [(article_key(each.site, each.article_id, source), each.value) for each in articles]
        )

    async def _forget(self, site: str, article_id: str, by: str) -> None:
        """Write the records by which `mostread forget` deletes an article."""
        value = encode_forget(site, article_id, forget_id=uuid4().hex, by=by)
        await self._delivery.send_articles([(key, None) for key in record_keys(site, article_id)])
        await self._delivery.send_articles([(forget_key(site, article_id), value)])
        await self._delivery.send_control(value)

    async def _place(self, placement: Placement) -> bytes:
        key = placement_key(placement.site, placement.article_id)
        written = await self._delivery.send_articles([(key, payloads.encode(placement))])
        decision = record_version(written.timestamp, written.offset)
        return payloads.encode(payloads.stored(placement, str(decision)))


def require_token(request: Request, token_store: TokenStore, roles: frozenset[Role]) -> Token:
    """Return the token of a request. Raises Unauthorized, or Forbidden for another role."""
    token = authenticate(request.headers, token_store.tokens, now_ms())
    if token is not None:
        request.change = RequestedChange(token.name, token.role, "token")
    return require_role(token, roles)


def name_articles(request: Request, articles: Iterable[DecodedArticle | Placement | Alias]) -> None:
    """Name the articles of a request for the log of changes."""
    if request.change is not None:
        for each in articles:
            request.change.add(each.site, each.article_id)


def _ids(request: Request, *others: str) -> Ids:
    """Return the article id and the site in the path and the query.

    `others` are further parameters of the query. Raises BadParameter.
    """
    if "article_id" in request.path_params:
        check_query(request, "site", *others)
        return Ids(request.path_params["article_id"], request.query.get("site"))
    check_query(request, "id", "site", *others)
    return Ids(request.query.get("id"), request.query.get("site"))


def check_query(request: Request, *names: str) -> None:
    """Raise BadParameter for one that is repeated, or unknown: a misspelt site is another site."""
    for name, times in Counter(name for name, _ in query_pairs(request.query_string)).items():
        if name not in names:
            raise BadParameter(name, f"{name[:40]!r} is not a parameter here", ", ".join(names))
        if times > 1:
            raise BadParameter(name, f"{name} is repeated", f"{name} once")


def _flag(request: Request, name: str) -> bool:
    """Return a parameter of the query, by default false. Raises BadParameter."""
    value = request.query.get(name, "false")
    if value not in ("true", "false"):
        raise BadParameter(name, f"{name} cannot be {value[:40]!r}", "true or false")
    return value == "true"


def _source(request: Request) -> Source:
    name = request.query.get("source", Source.CMS.name.lower())
    if name not in _SOURCES:
        raise BadParameter("source", f"source cannot be {name[:40]!r}", " or ".join(_SOURCES))
    return _SOURCES[name]
