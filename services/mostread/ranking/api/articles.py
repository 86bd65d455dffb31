"""The API of one article: metadata and counts, time series, ranks, and the decision log."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from mostread.errors import UnknownArticle
from mostread.infra.http.application import Application
from mostread.infra.http.cors import PRIVATE
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.exports import STEP_COLUMNS, Table, file_response, take_export
from mostread.ranking.api.responses import PUBLIC, CachedResponse, JsonRenderer
from mostread.ranking.auth.access import Access
from mostread.ranking.cache.cache import Cache
from mostread.ranking.decisions_repository import DecisionRepository
from mostread.ranking.queries import ArticleQuery, SeriesQuery
from mostread.ranking.service.articles import ArticleDetails
from mostread.ranking.service.placement_log import placement_log
from mostread.ranking.service.rank_history import RankHistory
from mostread.ranking.service.timeseries import TimeSeries

_ARTICLE = "/v1/articles/{article_id}"


def add_article_routes(
    app: Application,
    *,
    articles: Cache[ArticleQuery, ArticleDetails],
    series: Cache[SeriesQuery, TimeSeries],
    ranks: Cache[ArticleQuery, RankHistory],
    decisions: DecisionRepository,
    access: Access,
    clock: Callable[[], int],
) -> None:
    """Add the routes to `app`. `clock` is in milliseconds since the epoch."""
    render_article = JsonRenderer(serializers.article)
    render_for_editors = JsonRenderer(serializers.article_for_editors, PRIVATE)
    render_series = JsonRenderer(serializers.time_series)
    render_ranks = JsonRenderer(serializers.rank_history)

    async def find(request: Request, query: ArticleQuery) -> tuple[ArticleDetails, bool]:
        """Return the article, and whether an editor asks. Raises UnknownArticle."""
        details = await articles.get(query)
        # The article may have another site by now, with editors of its own.
        editing = access.is_editor(request, details.query.site)
        # Ids can be guessed: readers learn nothing of an article that is withheld.
        if not (details.known if editing else details.public):
            raise UnknownArticle(
                f"Site {query.site!r} has no article {query.article_id!r} that is public; send an "
                "editor's token to see others."
            )
        return details, editing

    async def get_article(request: Request) -> Response:
        details, editing = await find(request, _article_query(request))
        return (render_for_editors if editing else render_article)(details).respond(request)

    async def get_series(request: Request) -> Response:
        now = datetime.fromtimestamp(clock() / 1000, UTC)
        export, raw = take_export(request.query_string)
        query = params.series_query(raw, _article_id(request), now, file=export is not None)
        details, _ = await find(request, ArticleQuery(query.site, query.article_id))
        counted = await series.get(query)
        if export is not None:
            table = Table(f"views-{query.article_id}-{query.grain}", STEP_COLUMNS)
            steps = serializers.series_steps(counted)
            cache_control = PUBLIC if details.public else PRIVATE
            return file_response(request, export, table, steps, cache_control)
        rendered = render_series(counted)
        return (rendered if details.public else rendered.made_private()).respond(request)

    async def get_ranks(request: Request) -> Response:
        query = _article_query(request)
        details, _ = await find(request, query)
        rendered = render_ranks(await ranks.get(query))
        return (rendered if details.public else rendered.made_private()).respond(request)

    async def get_placements(request: Request) -> Response:
        query = params.log_query(request.query_string, _article_id(request))
        access.require_editor(request, query.site)
        # Never cached: an editor who undoes a decision must see the latest one.
        log, exclusions = await asyncio.gather(
            placement_log(decisions, query), decisions.exclusions(query.site, query.article_id)
        )
        document = serializers.placement_log(log, exclusions)
        return CachedResponse.of_document(document, PRIVATE).respond(request)

    app.add("GET", _ARTICLE, get_article)
    app.add("GET", f"{_ARTICLE}/series", get_series)
    app.add("GET", f"{_ARTICLE}/ranks", get_ranks)
    app.add("GET", f"{_ARTICLE}/placements", get_placements)


def _article_query(request: Request) -> ArticleQuery:
    return ArticleQuery(params.site_only(request.query_string), _article_id(request))


def _article_id(request: Request) -> str:
    return params.article_id(request.path_params["article_id"])
