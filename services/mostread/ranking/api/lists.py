"""GET /v1/most-read, with pages by offset or cursor, and GET /v1/stream."""

from functools import lru_cache

from mostread.errors import BadParameter
from mostread.infra.http.application import Application
from mostread.infra.http.cors import PRIVATE
from mostread.infra.http.messages import Request, Response, StreamResponse
from mostread.ranking.api import params, serializers
from mostread.ranking.api.exports import Export, Table, file_response, take_export
from mostread.ranking.api.list_files import ListFiles
from mostread.ranking.api.responses import PUBLIC, CachedResponse, JsonRenderer
from mostread.ranking.api.stream import StreamEvent, StreamHub
from mostread.ranking.auth.access import Access
from mostread.ranking.cache.cursors import CursorStore
from mostread.ranking.queries import ListDefaults, ListQuery
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.lists import RankedList

_COLUMNS = (
    *("rank", "previous_rank", "article_id", "title", "url", "section", "language"),
    *("published_at", "authors", "tags", "pinned", "described"),
)


def add_list_routes(
    app: Application,
    lists: ListReader,
    *,
    files: ListFiles,
    render: JsonRenderer[RankedList],
    cursors: CursorStore,
    streams: StreamHub,
    access: Access,
    defaults: ListDefaults,
) -> None:
    """Add the routes to `app`."""
    # Clients repeat the same few query strings: each is parsed once.
    parsed = lru_cache(maxsize=4096)(lambda raw: params.list_query(raw, defaults))

    async def get_most_read(request: Request) -> Response | StreamResponse:
        export, raw = take_export(request.query_string)
        query = parsed(raw)
        private = query.undescribed and not defaults.lists_undescribed(query.site)
        if private:
            access.require_editor(request, query.site)
        cache_control = PRIVATE if private else PUBLIC
        if export is not None:
            return await export_list(request, export, query, cache_control)
        if query.cursor is not None:
            page, next_cursor = await cursors.page(query, query.cursor)
            document = serializers.cursor_page(page, next_cursor)
            return CachedResponse.of_document(document, cache_control).respond(request)
        if private:
            document = serializers.ranked_list(await lists.get(query))
            return CachedResponse.of_document(document, cache_control).respond(request)
        return render(await lists.get(query)).respond(request)

    async def export_list(
        request: Request, export: Export, query: ListQuery, cache_control: str
    ) -> Response | StreamResponse:
        for name, given in (("cursor", query.cursor), ("exclude", query.exclude)):
            if given:
                raise BadParameter(name, f"{name} is for JSON", f"format without {name}")
        table = _table(query)
        if {"limit", "offset"} & {name for name, _ in query.written}:
            items = serializers.list_items(await lists.get(query))
            return file_response(request, export, table, items, cache_control)
        identity = access.known(request)
        signed_in = identity is not None and identity.may_view(query.site)
        return await files.respond(
            request,
            export,
            query,
            table,
            signed_in=signed_in,
            cache_control=PRIVATE if signed_in else cache_control,
        )

    async def get_stream(request: Request) -> StreamResponse:
        raw = request.query_string
        query = params.list_query(raw, defaults, known=params.STREAM)

        async def load() -> StreamEvent:
            ranked = await lists.get(query)
            rendered = render(ranked)
            return StreamEvent(rendered.tag, rendered.body, lambda: serializers.freshness(ranked))

        return await streams.serve(request, {query: load})

    app.add("GET", "/v1/most-read", get_most_read)
    app.add("GET", "/v1/stream", get_stream, head=False)


def _table(query: ListQuery) -> Table:
    """Return the columns of a list: those of the numbers that it has."""
    numbers = ["window", "total"]
    if query.compare is not None:
        numbers.insert(1, "compared")
    counts = [f"{each}.{what}" for each in numbers for what in ("views", "comments", "likes")]
    trend = ["trend.expected", "trend.ratio"] if query.trending else []
    columns = [*_COLUMNS, *counts, "score", *trend]
    return Table(f"most-read-{query.site}-{query.window}", columns)
