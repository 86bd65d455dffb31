"""GET /v1/counts: the counts of articles that a page names."""

from functools import lru_cache

from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.responses import JsonRenderer
from mostread.ranking.cache.cache import Cache
from mostread.ranking.queries import CountsQuery, ListDefaults
from mostread.ranking.service.counts import ArticleCounts


def add_counts_route(
    app: Application, counts: Cache[CountsQuery, ArticleCounts], defaults: ListDefaults
) -> None:
    """Add the route to `app`."""
    render = JsonRenderer(serializers.article_counts, "public, max-age=5")
    parsed = lru_cache(maxsize=1024)(lambda raw: params.counts_query(raw, defaults))

    async def get_counts(request: Request) -> Response:
        return render(await counts.get(parsed(request.query_string))).respond(request)

    app.add("GET", "/v1/counts", get_counts)
