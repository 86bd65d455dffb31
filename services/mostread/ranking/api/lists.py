"""GET /v1/most-read, with pages by offset or cursor, and GET /v1/stream."""

from functools import lru_cache

from mostread.infra.http.application import Application
from mostread.infra.http.cors import PRIVATE
from mostread.infra.http.messages import Request, Response, StreamResponse
from mostread.ranking.api import params, serializers
from mostread.ranking.api.responses import PUBLIC, CachedResponse, JsonRenderer
from mostread.ranking.api.stream import StreamEvent, StreamHub
from mostread.ranking.auth.access import Access
from mostread.ranking.cache.cursors import CursorStore
from mostread.ranking.queries import ListDefaults
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.lists import RankedList


def add_list_routes(
    app: Application,
    lists: ListReader,
    *,
    render: JsonRenderer[RankedList],
    cursors: CursorStore,
    streams: StreamHub,
    access: Access,
    defaults: ListDefaults,
) -> None:
    """Add the routes to `app`."""
    # Clients repeat the same few query strings: each is parsed once.
    parsed = lru_cache(maxsize=4096)(lambda raw: params.list_query(raw, defaults))

    async def get_most_read(request: Request) -> Response:
        query = parsed(request.query_string)
        private = query.undescribed and not defaults.lists_undescribed(query.site)
        if private:
            access.require_editor(request, query.site)
        cache_control = PRIVATE if private else PUBLIC
        if query.cursor is not None:
            page, next_cursor = await cursors.page(query, query.cursor)
            document = serializers.cursor_page(page, next_cursor)
            return CachedResponse.of_document(document, cache_control).respond(request)
        if private:
            document = serializers.ranked_list(await lists.get(query))
            return CachedResponse.of_document(document, cache_control).respond(request)
        return render(await lists.get(query)).respond(request)

    async def get_stream(request: Request) -> StreamResponse:
        raw = request.query_string
        query = params.list_query(raw, defaults, known=params.STREAM)

        async def load() -> StreamEvent:
            ranked = await lists.get(query)
            rendered = render(ranked)
            return StreamEvent(rendered.tag, rendered.body, serializers.freshness(ranked))

        return await streams.serve(request, {query: load})

    app.add("GET", "/v1/most-read", get_most_read)
    app.add("GET", "/v1/stream", get_stream, head=False)
