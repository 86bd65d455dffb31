"""Places for whole lists, and files that cannot be read to their end."""

import asyncio
import csv
import gzip
import io
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mostread.errors import ClickHouseUnavailable, TooManyFiles
from mostread.infra.http.messages import Request, Response, StreamResponse
from mostread.ranking.api.exports import Export, Table
from mostread.ranking.api.list_files import ListFiles
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import ListService
from tests.support.http import FakeHeaders


class Unreadable:
    """Ranks lists, whose articles cannot be read."""

    error: Exception | None = None

    async def rank(self, query: ListQuery, offset: int, limit: int) -> Any:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return SimpleNamespace(placed=[1])

    async def still_listed(self, query: ListQuery, placed: object) -> Any:
        raise ClickHouseUnavailable("gone")


def responses(
    files: ListFiles,
    number: int,
    *,
    signed_in: bool = False,
    form: Any = "csv",
    accept_encoding: str = "",
) -> Any:
    headers = FakeHeaders({"Accept-Encoding": accept_encoding})

    async def one() -> Response | StreamResponse:
        return await files.respond(
            cast("Request", SimpleNamespace(method="GET", headers=headers)),
            Export(form),
            ListQuery(site="default"),
            Table("list", ("rank", "title")),
            signed_in=signed_in,
            cache_control="public",
        )

    return asyncio.gather(*(one() for _ in range(number)), return_exceptions=True)


async def read(response: StreamResponse) -> bytes:
    return b"".join([chunk async for chunk in response.chunks])


async def test_anonymous_clients_do_not_take_the_places_of_the_newsroom() -> None:
    files = ListFiles(cast("ListService", Unreadable()))
    anonymous = await responses(files, 5)
    served = [each for each in anonymous if isinstance(each, StreamResponse)]
    assert len(served) == 2
    assert sum(isinstance(each, TooManyFiles) for each in anonymous) == 3
    (editor,) = await responses(files, 1, signed_in=True)
    assert isinstance(editor, StreamResponse)
    await read(served[0])
    await served[1].chunks.aclose()  # the client is gone
    again = await responses(files, 3)
    assert sum(isinstance(each, StreamResponse) for each in again) == 2


async def test_failure_to_rank_is_raised_and_takes_no_place() -> None:
    lists = Unreadable()
    lists.error = ClickHouseUnavailable("gone")
    files = ListFiles(cast("ListService", lists))
    for _ in range(3):
        (error,) = await responses(files, 1)
        assert error is lists.error


@pytest.mark.parametrize("stops", [False, True], ids=["fails", "stops"])
async def test_file_that_ends_early_says_so(stops: bool) -> None:
    async def text(form: str, accept_encoding: str = "") -> bytes:
        files = ListFiles(cast("ListService", Unreadable()))
        (response,) = await responses(files, 1, form=form, accept_encoding=accept_encoding)
        assert isinstance(response, StreamResponse)
        if not stops:
            return await read(response)
        return await anext(response.chunks) + response.end()

    rows = list(csv.reader(io.StringIO((await text("csv")).decode(), newline="")))
    note = "The list could not be read to its end; download it again."
    assert rows == [["rank", "title"], [note]]
    assert json.loads(await text("ndjson")) == {"incomplete": note}
    compressed = await text("ndjson", "gzip")
    assert json.loads(gzip.decompress(compressed)) == {"incomplete": note}
