"""The API of lists: GET /v1/most-read, page by page where asked, and GET /v1/stream."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from aiohttp import web

from mostread.infra.http.problems import problem
from mostread.ranking.api.params import Defaults, ListQuery, list_query
from mostread.ranking.api.responses import PUBLIC, Answer, answering
from mostread.ranking.api.serializers import most_read_json
from mostread.ranking.api.stream import FOLLOWED, Streams
from mostread.ranking.cache.cursors import CursorExpired, HeldLists
from mostread.ranking.cache.swr import Snapshots
from mostread.ranking.service.articles import Article
from mostread.ranking.service.lists import MostRead
from mostread.ranking.service.rank_history import Ranks
from mostread.ranking.service.timeseries import Series

ListAnswers = Snapshots[ListQuery, Answer[MostRead]]

V = TypeVar("V", MostRead, Article, Series, Ranks)


def add_list_routes(
    app: web.Application,
    lists: ListAnswers,
    held: HeldLists,
    streams: Streams,
    defaults: Defaults,
) -> None:
    """Add them to `app`."""
    # Clients ask for the same few lists again and again: their addresses are parsed once.
    parsed = lru_cache(maxsize=4096)(lambda raw: list_query(raw, defaults))

    async def most_read(request: web.Request) -> web.StreamResponse:
        query = parsed(request.rel_url.raw_query_string)
        if query.cursor is not None:
            return await page(request, query, query.cursor)
        return (await lists.get(query)).respond(request)

    async def page(request: web.Request, query: ListQuery, cursor: str) -> web.Response:
        try:
            listed, following = await held.page(query, cursor)
        except CursorExpired as error:
            return problem(410, "cursor-expired", "Cursor expired", str(error), headers=PUBLIC)
        body = most_read_json(listed, next_cursor=following)
        return Answer.of(listed, body).respond(request)

    async def stream(request: web.Request) -> web.StreamResponse:
        query = list_query(request.rel_url.raw_query_string, defaults, known=FOLLOWED)
        return await streams.follow(request, query)

    async def let_go(_: web.Application) -> None:
        streams.close()

    app.on_shutdown.append(let_go)
    app.router.add_get("/v1/most-read", answering(most_read))
    app.router.add_get("/v1/stream", answering(stream), allow_head=False)


def list_answer(listed: MostRead) -> Answer[MostRead]:
    """Render a list."""
    return Answer.of(listed, most_read_json(listed))


def stale(render: Callable[[V], Answer[V]]) -> Callable[[Answer[V]], Answer[V]]:
    """Return what renders an answer again, marked as stale."""
    return lambda answer: render(replace(answer.value, stale=True))
