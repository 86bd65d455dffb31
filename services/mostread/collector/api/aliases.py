"""Endpoints for aliases: former ids of articles, and former names of sites."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from mostread.collector.api import payloads
from mostread.collector.api.articles import ARTICLE, check_query, name_articles, require_token
from mostread.collector.api.payloads import Ids, RejectedArticle, RequireSite
from mostread.collector.delivery.delivery import Delivery
from mostread.core.editorial.aliases import WHOLE_SITE, Alias, alias_key, leads_to
from mostread.errors import InvalidArticle, NoValidAlias
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.auth.tokens import DESCRIBERS, Token
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response

ALIASES = "/v1/aliases"
_encode = msgspec.json.Encoder().encode


class AliasPayload(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An alias as a CMS sends it: `AliasBody` in schemas/collector.openapi.yaml."""

    article_id: str | None = None
    site: str | None = None
    alias_of: str | None = None


class SitePayload(msgspec.Struct, forbid_unknown_fields=True):
    """The present name of a site."""

    alias_of: str


class Addressed(NamedTuple):
    """The article and the site that the address of a request names; None leaves it to the body."""

    article_id: str | None
    site: str | None


_ALIASES = msgspec.json.Decoder(AliasPayload)
_SITES = msgspec.json.Decoder(SitePayload)


class AliasRoutes:
    """Handlers that write aliases. A success means that Kafka acknowledged."""

    def __init__(self, delivery: Delivery, token_store: TokenStore) -> None:
        self._delivery = delivery
        self._token_store = token_store

    def add_to(self, app: Application) -> None:
        self._bodies = app.bodies
        app.add("POST", ALIASES, self.post_aliases)
        app.add("POST", f"{ARTICLE}/aliases", self.post_aliases)
        app.add("DELETE", ALIASES, self.delete_alias)
        app.add("DELETE", f"{ALIASES}/{{article_id}}", self.delete_alias)
        app.add("PUT", "/v1/sites/{site}/alias", self.put_site)
        app.add("DELETE", "/v1/sites/{site}/alias", self.delete_site)

    async def post_aliases(self, request: Request) -> Response:
        """Count up to 1,000 former ids for the articles that they stand for."""
        token = self._require(request)
        check_query(request, "site")
        target = Addressed(request.path_params.get("article_id"), request.query.get("site"))
        body = await self._bodies.read(request)
        aliases, rejected = decode_aliases(body, target, token.name, token.require_site)
        await self._write(request, aliases)
        return Response.json(b'{"accepted":%d,"rejected":%b}' % (len(aliases), _encode(rejected)))

    async def delete_alias(self, request: Request) -> Response:
        """Count a former id for itself again."""
        token = self._require(request)
        in_path = request.path_params.get("article_id")
        check_query(request, *(("site",) if in_path else ("id", "site")))
        article_id, site = payloads.valid_ids(
            Ids(in_path or request.query.get("id"), request.query.get("site")), InvalidArticle
        )
        token.require_site(site)
        await self._write(request, [Alias(site, article_id, by=token.name, deleted=True)])
        return Response(status=204)

    async def put_site(self, request: Request) -> Response:
        """Show a site as another one from now on: it has been renamed."""
        token, site = self._site(request)
        try:
            new = _SITES.decode(await self._bodies.read(request)).alias_of
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidArticle("schema", f"{error}.") from error
        payloads.check_site(new, InvalidArticle)
        token.require_site(new)
        if new == site:
            raise InvalidArticle("circle", f"{site} cannot be an alias of itself.")
        await self._write(request, [Alias(site, WHOLE_SITE, new, token.name)])
        return Response.json(_encode({"site": site, "alias_of": new}))

    async def delete_site(self, request: Request) -> Response:
        """Show a site by itself again."""
        token, site = self._site(request)
        await self._write(request, [Alias(site, WHOLE_SITE, by=token.name, deleted=True)])
        return Response(status=204)

    def _site(self, request: Request) -> tuple[Token, str]:
        """Return the token and the site in the path. Raises Forbidden or InvalidArticle."""
        token = self._require(request)
        check_query(request)
        site = request.path_params["site"]
        payloads.check_site(site, InvalidArticle)
        token.require_site(site)
        return token, site

    def _require(self, request: Request) -> Token:
        return require_token(request, self._token_store, DESCRIBERS)

    async def _write(self, request: Request, aliases: Sequence[Alias]) -> None:
        name_articles(request, aliases)
        await self._delivery.send_articles(
            [(alias_key(each.site, each.article_id), _encode(each)) for each in aliases]
        )


def decode_aliases(
    body: bytes, target: Addressed, by: str, require_site: RequireSite
) -> tuple[Sequence[Alias], Sequence[RejectedArticle]]:
    """Return the valid aliases of a body, and the others with the reason.

    The collector does not know earlier aliases: it rejects only circles within the request. Raises
    TooManyArticles, and NoValidAlias if none is valid.
    """
    earlier: dict[tuple[str, str], tuple[str, str]] = {}

    def decode_one(element: bytes) -> Alias:
        payload, article_id, site = payloads.decode_body(
            _ALIASES, element, Ids(site=target.site), InvalidArticle
        )
        require_site(site)
        alias_of = payloads.one_of("alias_of", target.article_id, payload.alias_of, InvalidArticle)
        if alias_of is None:
            raise InvalidArticle("schema", "alias_of is missing; send the id of the article.")
        alias_of, _ = payloads.valid_ids(Ids(alias_of, site), InvalidArticle)
        if leads_to(earlier, (site, alias_of), (site, article_id)):
            raise InvalidArticle(
                "circle",
                f"{article_id!r} cannot be an alias of {alias_of!r}, which is itself or an alias "
                "of it in this request; send the present id as alias_of.",
            )
        earlier[site, article_id] = site, alias_of
        return Alias(site, article_id, alias_of, by)

    aliases, rejected = payloads.decode_each(body, decode_one)
    if not aliases:
        raise NoValidAlias(msgspec.to_builtins(rejected))
    return aliases, rejected
