"""Read lists, totals and articles from the ranking service."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from mostread.core.ranking.integrity import Integrity
from mostread.errors import Unavailable
from mostread.ops.notify.config import NotifySettings
from mostread.ranking.repository import Counts

MAX_BYTES = 4 << 20
"""Maximum size of a response; a list of 100 articles has about 100 KiB."""

_CHUNK = 64 << 10
_NOT_FOUND = 404

Params = Sequence[tuple[str, str]]
Document = TypeVar("Document")


class Trend(msgspec.Struct, frozen=True):
    """How the views of an article compare with what is usual."""

    observed: int
    expected: float
    ratio: float


class Item(msgspec.Struct, frozen=True):
    """An article of a list."""

    rank: int
    previous_rank: int | None
    article_id: str
    title: str
    url: str | None
    section: str | None
    window: Counts
    integrity: Integrity | None
    compared: Counts | None = None
    trend: Trend | None = None


class ItemWindow(msgspec.Struct, frozen=True):
    """The time of a list or of totals."""

    start: datetime
    end: datetime


class ListDocument(msgspec.Struct, frozen=True):
    """A list. Stale numbers are not news."""

    window: ItemWindow
    as_of: datetime | None
    stale: bool
    items: list[Item]


class SeriesDocument(msgspec.Struct, frozen=True):
    """The sums over a selection by day."""

    as_of: datetime | None
    steps: list[Counts]


class ArticleDocument(msgspec.Struct, frozen=True):
    """The reasons for which an article may not be in a list."""

    integrity: Integrity | None
    withheld: str | None = None

    @property
    def listed(self) -> bool:
        """Whether lists may contain it."""
        return self.withheld is None and not (self.integrity and self.integrity.quarantined)


class RankingReader:
    """Reads from the ranking service that the settings name."""

    def __init__(self, session: aiohttp.ClientSession, settings: NotifySettings) -> None:
        self._session = session
        self._url = settings.notify_ranking_url
        self._seconds = settings.notify_timeout_seconds
        token = settings.notify_token.get_secret_value()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def most_read(self, params: Params) -> ListDocument:
        """Return a list. Raises Unavailable."""
        document = await self._get("/v1/most-read", params, ListDocument)
        if document is None:
            raise Unavailable(f"{self._url} has no lists; check MOSTREAD_NOTIFY_RANKING_URL")
        return document

    async def series(self, params: Params) -> SeriesDocument:
        """Return the sums over a selection. Raises Unavailable."""
        document = await self._get("/v1/series", params, SeriesDocument)
        if document is None:
            raise Unavailable(f"{self._url} has no series; check MOSTREAD_NOTIFY_RANKING_URL")
        return document

    async def article(self, site: str, article_id: str) -> ArticleDocument | None:
        """Return an article, None if it is unknown or not public. Raises Unavailable."""
        path = f"/v1/articles/{quote(article_id, safe='')}"
        return await self._get(path, [("site", site)], ArticleDocument)

    async def _get(self, path: str, params: Params, kind: type[Document]) -> Document | None:
        where = f"{self._url}{path}"
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.get(
                    where, params=params, headers=self._headers, allow_redirects=False
                ) as response,
            ):
                content = bytearray()
                async for chunk in response.content.iter_chunked(_CHUNK):
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise Unavailable(f"{where} responds with more than {MAX_BYTES} bytes")
                if response.status == _NOT_FOUND:
                    return None
                if response.status != 200:
                    raise Unavailable(f"{where} responded {response.status}: {_detail(content)}")
            return msgspec.json.decode(content, type=kind)
        except TimeoutError as error:
            raise Unavailable(f"{where} does not respond within {self._seconds:g} s") from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"{where} does not respond: {str(error) or repr(error)}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unavailable(f"{where} does not respond as mostread does: {error}") from error


def _detail(content: bytes | bytearray) -> str:
    """Return the detail of a problem document, or else its beginning."""
    try:
        detail = msgspec.json.decode(content, type=dict[str, object]).get("detail")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        detail = None
    return str(detail or content[:300].decode(errors="replace"))[:300]
