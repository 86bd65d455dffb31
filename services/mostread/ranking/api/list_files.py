"""Whole lists as files, which are sent while they are read.

A whole list costs as much as a hundred pages, so only a few are read at a time, and those of
anonymous clients are shorter and never wait for, nor displace, those of the newsroom.
"""

import asyncio
from collections.abc import AsyncGenerator

from mostread.errors import MostreadError, TooManyFiles
from mostread.infra.http.compression import StreamChunk, stream_for
from mostread.infra.http.messages import Request, Response, StreamResponse
from mostread.infra.logging import get_logger
from mostread.ranking.api import serializers
from mostread.ranking.api.exports import Export, Table
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import ListService

log = get_logger(__name__)

MAX_LENGTH = 10_000
"""The most articles of a file for who is signed in."""
MAX_PUBLIC_LENGTH = 1000
"""The most articles of a file for everybody else."""

_PLACES = 2
_ARTICLES_PER_CHUNK = 500
_INCOMPLETE = "The list could not be read to its end; download it again."


class ListFiles:
    """Sends two files at a time to clients who are signed in, and two to others."""

    def __init__(self, lists: ListService) -> None:
        self._lists = lists
        self._places = {signed_in: asyncio.Semaphore(_PLACES) for signed_in in (False, True)}

    async def respond(
        self,
        request: Request,
        export: Export,
        query: ListQuery,
        table: Table,
        *,
        signed_in: bool,
        cache_control: str,
    ) -> Response | StreamResponse:
        """Return the file. Raises TooManyFiles, and what ranking a list raises."""
        stream = stream_for(request.headers.get("Accept-Encoding", ""))
        headers = {
            **table.headers(export),
            "Cache-Control": cache_control,
            "Vary": "Accept-Encoding, Authorization, Cookie",
        }
        if request.method == "HEAD":
            return Response(headers=headers)
        places = self._places[signed_in]
        if places.locked():
            raise TooManyFiles(f"{_PLACES} whole lists are being read; try again, or set limit.")

        async def chunks() -> AsyncGenerator[bytes, None]:
            async with places:
                length = MAX_LENGTH if signed_in else MAX_PUBLIC_LENGTH
                ranked = await self._lists.rank(query, 0, length)
                yield b""
                yield stream.send(StreamChunk(table.head(export)))
                try:
                    for start in range(0, len(ranked.placed), _ARTICLES_PER_CHUNK):
                        placed = ranked.placed[start : start + _ARTICLES_PER_CHUNK]
                        listed = await self._lists.still_listed(query, placed)
                        part = await self._lists.describe(query, ranked, listed)
                        lines = table.lines(export, serializers.list_items(part))
                        yield stream.send(StreamChunk(lines))
                except MostreadError as error:
                    log.warning("file_incomplete", site=query.site, error=str(error))
                    yield stream.send(incomplete)
            yield stream.end()

        incomplete = StreamChunk(table.note(export, _INCOMPLETE))
        started = chunks()
        await anext(started)  # ranks the list, which may fail, before the status is sent
        return StreamResponse(
            started,
            {**headers, **stream.headers},
            end=lambda: stream.send(incomplete) + stream.end(),
            is_endless=False,
        )
