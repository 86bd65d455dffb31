"""The API: GET /v1/most-read and GET /v1/articles/{article_id}."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar
from urllib.parse import unquote

from aiohttp import web

from mostread.errors import MostreadError
from mostread.ranking.answer import PUBLIC, Answer, bad_parameter, unavailable
from mostread.ranking.article import Article, ArticleQuery
from mostread.ranking.most_read import MostRead
from mostread.ranking.parameters import BadParameter, Defaults, ListQuery, list_query, site_only
from mostread.ranking.snapshot import Snapshots
from mostread.ranking.wire import article_json, most_read_json
from mostread.web.problem import problem

ListAnswers = Snapshots[ListQuery, Answer[MostRead]]
ArticleAnswers = Snapshots[ArticleQuery, Answer[Article]]

V = TypeVar("V", MostRead, Article)

_ARTICLES = "/v1/articles/"
_ARTICLE_ID = re.compile("[^\x00-\x1f]{1,128}")


def add_routes(
    app: web.Application, lists: ListAnswers, articles: ArticleAnswers, defaults: Defaults
) -> None:
    """Add the API to `app`."""
    # Clients ask for the same few lists again and again: their addresses are parsed once.
    parsed = lru_cache(maxsize=4096)(lambda raw: list_query(raw, defaults))

    async def most_read(request: web.Request) -> web.Response:
        try:
            answer = await lists.get(parsed(request.rel_url.raw_query_string))
        except BadParameter as error:
            return bad_parameter(error)
        except MostreadError as error:
            return unavailable(error)
        return answer.respond(request)

    async def article(request: web.Request) -> web.Response:
        try:
            site = site_only(request.rel_url.raw_query_string)
            article_id = _article_id(request.rel_url.raw_path)
            answer = await articles.get(ArticleQuery(site, article_id))
        except BadParameter as error:
            return bad_parameter(error)
        except MostreadError as error:
            return unavailable(error)
        if not answer.value.known:
            return problem(
                404,
                "unknown-article",
                "Unknown article",
                f"The site {site!r} has no article {article_id!r}: nobody has described it and "
                "nothing has been counted for it.",
                headers=PUBLIC,
            )
        return answer.respond(request)

    app.router.add_get("/v1/most-read", most_read)
    # Said by a pattern, because aiohttp's own for a part of a path leaves out braces.
    app.router.add_get(_ARTICLES + "{article_id:[^/]+}", article)


def list_answer(listed: MostRead) -> Answer[MostRead]:
    """Render a list."""
    return Answer.of(listed, most_read_json(listed))


def article_answer(article: Article) -> Answer[Article]:
    """Render an article."""
    return Answer.of(article, article_json(article))


def stale(render: Callable[[V], Answer[V]]) -> Callable[[Answer[V]], Answer[V]]:
    """Return what renders an answer again, marked as stale."""
    return lambda answer: render(replace(answer.value, stale=True))


def _article_id(raw_path: str) -> str:
    # The raw path, because an id may hold a slash, which is written %2F.
    allowed = "1 to 128 characters of UTF-8, percent-encoded, none of them a control character"
    try:
        article_id = unquote(raw_path.removeprefix(_ARTICLES), errors="strict")
    except UnicodeDecodeError as error:
        raise BadParameter("article_id", "article_id is not UTF-8", allowed) from error
    if not _ARTICLE_ID.fullmatch(article_id):
        raise BadParameter("article_id", "article_id is not one", allowed)
    return article_id
