"""The API of one article: metadata and counts, time series, ranks, and the decision log."""

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from mostread.errors import UnknownArticle
from mostread.ranking.api import params, serializers
from mostread.ranking.api.editor_auth import EditorAuth
from mostread.ranking.api.responses import PRIVATE, CachedResponse, JsonRenderer
from mostread.ranking.cache.cache import Cache
from mostread.ranking.queries import ArticleQuery, SeriesQuery
from mostread.ranking.repository import RankingRepository
from mostread.ranking.service.articles import ArticleDetails
from mostread.ranking.service.placement_log import placement_log
from mostread.ranking.service.rank_history import RankHistory
from mostread.ranking.service.timeseries import TimeSeries

# A pattern, because aiohttp's default for a path segment excludes braces.
_ARTICLE = "/v1/articles/{article_id:[^/]+}"


def add_article_routes(
    app: web.Application,
    *,
    articles: Cache[ArticleQuery, ArticleDetails],
    series: Cache[SeriesQuery, TimeSeries],
    ranks: Cache[ArticleQuery, RankHistory],
    repository: RankingRepository,
    editors: EditorAuth,
    clock: Callable[[], int],
) -> None:
    """Add the routes to `app`. `clock` is in milliseconds since the epoch."""
    render_article = JsonRenderer(serializers.article)
    render_series = JsonRenderer(serializers.time_series)
    render_ranks = JsonRenderer(serializers.rank_history)

    async def get_article(request: web.Request) -> web.StreamResponse:
        query = _article_query(request)
        details = await articles.get(query)
        _require_known(details.known, query)
        return render_article(details).respond(request)

    async def get_series(request: web.Request) -> web.StreamResponse:
        now = datetime.fromtimestamp(clock() / 1000, UTC)
        query = params.series_query(
            request.rel_url.raw_query_string, _article_id(request, "/series"), now
        )
        counts = await series.get(query)
        _require_known(counts.known, ArticleQuery(query.site, query.article_id))
        return render_series(counts).respond(request)

    async def get_ranks(request: web.Request) -> web.StreamResponse:
        query = _article_query(request, "/ranks")
        history = await ranks.get(query)
        _require_known(history.known, query)
        return render_ranks(history).respond(request)

    async def get_placements(request: web.Request) -> web.StreamResponse:
        editors.require_editor(request)
        article_id = _article_id(request, "/placements")
        query = params.log_query(request.rel_url.raw_query_string, article_id)
        # Never cached: an editor who undoes a decision must see the latest one.
        document = serializers.placement_log(await placement_log(repository, query))
        return CachedResponse.of_document(document, PRIVATE).respond(request)

    app.router.add_get(_ARTICLE, get_article)
    app.router.add_get(_ARTICLE + "/series", get_series)
    app.router.add_get(_ARTICLE + "/ranks", get_ranks)
    app.router.add_get(_ARTICLE + "/placements", get_placements)


def _article_query(request: web.Request, suffix: str = "") -> ArticleQuery:
    site = params.site_only(request.rel_url.raw_query_string)
    return ArticleQuery(site, _article_id(request, suffix))


def _article_id(request: web.Request, suffix: str) -> str:
    # From the raw path, because an id may contain a slash, encoded as %2F.
    path = request.rel_url.raw_path.removesuffix(suffix)
    return params.article_id(path.removeprefix("/v1/articles/"))


def _require_known(known: bool, query: ArticleQuery) -> None:
    if not known:
        raise UnknownArticle(
            f"Site {query.site!r} has no article {query.article_id!r}: it has neither metadata "
            "nor counted events."
        )
