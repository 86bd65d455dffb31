"""The API of one article: what is said and counted of it, over time too, and what was decided."""

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from mostread.infra.http.auth import Refused
from mostread.infra.http.problems import problem
from mostread.ranking.api.editor_auth import Newsroom
from mostread.ranking.api.params import article_id_of, site_only
from mostread.ranking.api.responses import PUBLIC, Answer, answering
from mostread.ranking.api.serializers import article_json, ranks_json, series_json
from mostread.ranking.cache.swr import Snapshots
from mostread.ranking.repository import Store
from mostread.ranking.service.articles import Article, ArticleQuery
from mostread.ranking.service.placement_log import log_query, placement_log, placement_log_json
from mostread.ranking.service.rank_history import Ranks
from mostread.ranking.service.timeseries import Series, SeriesQuery, series_query

ArticleAnswers = Snapshots[ArticleQuery, Answer[Article]]
SeriesAnswers = Snapshots[SeriesQuery, Answer[Series]]
RanksAnswers = Snapshots[ArticleQuery, Answer[Ranks]]

_ARTICLES = "/v1/articles/"


def add_article_routes(
    app: web.Application,
    *,
    articles: ArticleAnswers,
    series: SeriesAnswers,
    ranks: RanksAnswers,
    store: Store,
    newsroom: Newsroom,
    clock: Callable[[], int],
) -> None:
    """Add them to `app`. `clock` is in milliseconds since the epoch."""

    async def article(request: web.Request) -> web.StreamResponse:
        site = site_only(request.rel_url.raw_query_string)
        article_id = _article_id(request.rel_url.raw_path)
        answer = await articles.get(ArticleQuery(site, article_id))
        return answer.respond(request) if answer.value.known else _unknown(site, article_id)

    async def over_time(request: web.Request) -> web.StreamResponse:
        now = datetime.fromtimestamp(clock() / 1000, UTC)
        article_id = _article_id(request.rel_url.raw_path.removesuffix("/series"))
        query = series_query(request.rel_url.raw_query_string, article_id, now)
        answer = await series.get(query)
        return answer.respond(request) if answer.value.known else _unknown(query.site, article_id)

    async def by_hour(request: web.Request) -> web.StreamResponse:
        site = site_only(request.rel_url.raw_query_string)
        article_id = _article_id(request.rel_url.raw_path.removesuffix("/ranks"))
        answer = await ranks.get(ArticleQuery(site, article_id))
        return answer.respond(request) if answer.value.known else _unknown(site, article_id)

    async def decided(request: web.Request) -> web.StreamResponse:
        try:
            newsroom.require_editor(request)
        except Refused as refused:
            return refused.answer
        article_id = _article_id(request.rel_url.raw_path.removesuffix("/placements"))
        query = log_query(request.rel_url.raw_query_string, article_id)
        # Never from memory: who takes something back must see the last decision.
        log = await placement_log(store, query)
        return Answer.for_the_newsroom(log, placement_log_json(log)).respond(request)

    # Said by a pattern, because aiohttp's own for a part of a path leaves out braces.
    app.router.add_get(_ARTICLES + "{article_id:[^/]+}", answering(article))
    app.router.add_get(_ARTICLES + "{article_id:[^/]+}/series", answering(over_time))
    app.router.add_get(_ARTICLES + "{article_id:[^/]+}/ranks", answering(by_hour))
    app.router.add_get(_ARTICLES + "{article_id:[^/]+}/placements", answering(decided))


def article_answer(article: Article) -> Answer[Article]:
    """Render an article."""
    return Answer.of(article, article_json(article))


def series_answer(series: Series) -> Answer[Series]:
    """Render an article's counts over time."""
    return Answer.of(series, series_json(series))


def ranks_answer(ranks: Ranks) -> Answer[Ranks]:
    """Render where an article stood."""
    return Answer.of(ranks, ranks_json(ranks))


def _unknown(site: str, article_id: str) -> web.Response:
    return problem(
        404,
        "unknown-article",
        "Unknown article",
        f"The site {site!r} has no article {article_id!r}: nobody has described it and "
        "nothing has been counted for it.",
        headers=PUBLIC,
    )


def _article_id(raw_path: str) -> str:
    # The raw path, because an id may hold a slash, which is written %2F.
    return article_id_of(raw_path.removeprefix(_ARTICLES))
