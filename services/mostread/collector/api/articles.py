"""Endpoints for articles: metadata from a CMS and placements from editors."""

from mostread.collector.api import payloads
from mostread.collector.api.events import EXPOSED_HEADERS
from mostread.collector.delivery.delivery import Delivery
from mostread.collector.pipeline.event import DEFAULT_SITE
from mostread.core.editorial.articles import article_key
from mostread.core.editorial.placements import Placement, placement_key
from mostread.errors import InvalidArticle
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.auth.tokens import Role, Token
from mostread.infra.http.application import Application
from mostread.infra.http.auth import require_role
from mostread.infra.http.cors import CorsPolicy, preflight
from mostread.infra.http.messages import Request, Response

ARTICLE = "/v1/articles/{article_id}"
PLACEMENT = f"{ARTICLE}/placement"
CMS = frozenset({Role.CMS, Role.EDITOR})
EDITORS = frozenset({Role.EDITOR})
# The ranking's page calls this from another origin. Editors authenticate with a token in a
# header, never with a cookie that a browser adds, so a foreign page gains nothing.
CORS = {PLACEMENT: CorsPolicy(methods="PUT, DELETE", expose=EXPOSED_HEADERS)}


class ArticleRoutes:
    """Handlers that write the articles topic. A success means that Kafka acknowledged."""

    def __init__(self, delivery: Delivery, token_store: TokenStore) -> None:
        self._delivery = delivery
        self._token_store = token_store

    def add_to(self, app: Application) -> None:
        self._bodies = app.bodies
        app.add("PUT", ARTICLE, self.put_article)
        app.add("DELETE", ARTICLE, self.delete_article)
        app.add("PUT", PLACEMENT, self.put_placement)
        app.add("DELETE", PLACEMENT, self.delete_placement)
        app.add("OPTIONS", PLACEMENT, preflight)

    async def put_article(self, request: Request) -> Response:
        """Replace the metadata of an article."""
        self._require(request, CMS)
        article_id, site = _ids(request)
        article = payloads.decode_article(await self._bodies.read(request), article_id, site)
        value = payloads.encode(article)
        await self._delivery.send_article(article_key(site, article_id), value)
        return Response.json(value)

    async def delete_article(self, request: Request) -> Response:
        """Delete the metadata of an article; its counts remain."""
        self._require(request, CMS)
        article_id, site = _ids(request)
        payloads.validate_ids(article_id, site, InvalidArticle)
        await self._delivery.send_article(article_key(site, article_id), None)
        return Response(status=204)

    async def put_placement(self, request: Request) -> Response:
        """Replace the placement of an article."""
        token = self._require(request, EDITORS)
        body = await self._bodies.read(request)
        value = await self._place(payloads.decode_placement(body, *_ids(request), token.name))
        return Response.json(value)

    async def delete_placement(self, request: Request) -> Response:
        """Leave an article to its CMS."""
        token = self._require(request, EDITORS)
        await self._place(payloads.empty_placement(*_ids(request), token.name))
        return Response(status=204)

    def _require(self, request: Request, roles: frozenset[Role]) -> Token:
        return require_role(request.headers, self._token_store.tokens, roles)

    async def _place(self, placement: Placement) -> bytes:
        value = payloads.encode(placement)
        key = placement_key(placement.site, placement.article_id)
        await self._delivery.send_article(key, value)
        return value


def _ids(request: Request) -> tuple[str, str]:
    """Return the article id and the site in the URL."""
    return request.path_params["article_id"], request.query.get("site", DEFAULT_SITE)
