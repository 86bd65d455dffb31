"""Compute lists: rows from ClickHouse, ranks with pinned articles, metadata and totals."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

from mostread.core.ranking.comparison import WHOLE, shares
from mostread.core.ranking.integrity import Integrity
from mostread.core.ranking.ordering import Placed, place, place_some
from mostread.core.ranking.windows import (
    MINUTE,
    Window,
    after_this_minute,
    previous_window,
)
from mostread.ranking.cache.cache import Cache
from mostread.ranking.config import Weights
from mostread.ranking.queries import By, ListQuery
from mostread.ranking.repository import Counts, Metadata, RankedRow, RankingRepository
from mostread.ranking.service import periods
from mostread.ranking.service.ranked_source import ListMoment, RankedSource
from mostread.ranking.service.undescribed import UndescribedArticles

PREVIOUS_RANK_DEPTH = 1000
"""How many ranks of the previous list are known, and are searched under quarantine."""

_CACHED_PREVIOUS_LISTS = 100
_BELOW_ALL_PINS = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """An article in a list. `metadata` is None if the CMS never described it."""

    rank: int
    previous_rank: int | None
    pinned: bool
    row: RankedRow
    total: Counts
    metadata: Metadata | None
    integrity: Integrity | None
    compared: Counts | None = None
    """Its counts in the window to compare with."""

    @property
    def article_id(self) -> str:
        return self.row.article_id

    @property
    def window(self) -> Counts:
        return self.row.counts

    @property
    def title(self) -> str:
        """The title, or the id of an article without metadata."""
        return self.metadata.title if self.metadata else self.article_id

    @property
    def language(self) -> str:
        return self.metadata.language if self.metadata else ""

    @property
    def link(self) -> str | None:
        """The URL of the article if a page may link to it."""
        return web_link(self.metadata)

    def score(self, by: By) -> float:
        """Return the weighted sum, or the surprise in a trending list."""
        return self.row.ranked if by == "trending" else self.row.points


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class RankedList:
    """A list as computed at one moment; `as_of` is None if the watermark is unknown."""

    query: ListQuery
    window: Window
    as_of: datetime | None
    stale: bool
    entries: tuple[Entry, ...]
    weights: Weights
    undescribed: int = 0
    """How many articles with views in the window are left out for want of a description."""
    compared: Window | None = None
    """The window to compare with."""

    @property
    def not_compared(self) -> periods.NotCompared | None:
        """Why there is no window to compare with, although the query asks for one."""
        return periods.not_compared(self.query, self.compared)


@dataclass(frozen=True, slots=True)
class RankedPage:
    """A part of a list at one moment, with the ranks of the previous list."""

    at: ListMoment
    as_of: datetime | None
    placed: Sequence[Placed[RankedRow]]
    previous_ranks: Mapping[str, int]
    undescribed: int


class _Previous(NamedTuple):
    """The list one step before the minute that ends at `minute_end`, as editors arrange it now."""

    query: ListQuery
    minute_end: datetime
    editorial_state: int


class ListService:
    """Computes lists. `clock` is in milliseconds since the epoch.

    Methods raise ClickHouseUnavailable or Misconfigured.
    """

    def __init__(
        self,
        repository: RankingRepository,
        clock: Callable[[], int],
        stale_after: timedelta,
        source: RankedSource,
        undescribed: UndescribedArticles,
    ) -> None:
        self._repository = repository
        self._source = source
        self._clock = clock
        self._stale_after = stale_after
        self._undescribed = undescribed
        self._previous = Cache(self._load_previous_ranks, capacity=_CACHED_PREVIOUS_LISTS)

    async def compute(self, query: ListQuery) -> RankedList:
        """Compute the page of a list that a query asks for."""
        page = await self.rank(query, query.offset, query.limit)
        return await self.describe(query, page, page.placed)

    async def rank(self, query: ListQuery, offset: int, limit: int) -> RankedPage:
        """Rank `limit` articles of a list from `offset` on."""
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        at = ListMoment(query, periods.window(query, now), now)
        # Read first: the list may then contain more than the watermark promises, never less.
        as_of = await self._repository.watermark()
        placed, previous_ranks, undescribed = await asyncio.gather(
            self._place(at, offset, limit),
            self._previous_ranks(query, now),
            self._undescribed.left_out(query),
        )
        return RankedPage(at, as_of, placed, previous_ranks, undescribed)

    async def still_listed(
        self, query: ListQuery, placed: Sequence[Placed[RankedRow]]
    ) -> list[Placed[RankedRow]]:
        """Return the articles of a stored list that are not withheld by now."""
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        ids = [at.article.article_id for at in placed]
        withheld = await self._repository.withheld(query.site, ids, now, unlisted=True)
        return [at for at in placed if at.article.article_id not in withheld]

    async def describe(
        self, query: ListQuery, page: RankedPage, placed: Sequence[Placed[RankedRow]]
    ) -> RankedList:
        """Add metadata, totals and integrity to some of the articles of a page."""
        ids = [at.article.article_id for at in placed]
        earlier = periods.compared(query, page.at.window, page.at.now)
        totals, metadata, visitors, compared = await asyncio.gather(
            self._repository.totals(query.site, ids),
            self._repository.metadata(query.site, ids),
            self._source.visitors(page.at, ids),
            self._compared(query.site, ids, earlier, page.at.now),
        )
        entries = tuple(
            Entry(
                rank=at.rank,
                # The rank of a pinned article does not depend on its numbers.
                previous_rank=None if at.pinned else page.previous_ranks.get(at.article.article_id),
                pinned=at.pinned,
                row=at.article,
                total=totals.get(at.article.article_id, Counts()),
                metadata=metadata.get(at.article.article_id),
                integrity=self._source.integrity(at.article, visitors),
                compared=compared.get(at.article.article_id, Counts()) if earlier else None,
            )
            for at in placed
        )
        stale = is_stale(page.as_of, page.at.now, self._stale_after)
        return RankedList(
            query,
            page.at.window,
            page.as_of,
            stale,
            entries,
            self._repository.weights,
            page.undescribed,
            earlier,
        )

    async def _compared(
        self, site: str, ids: Sequence[str], earlier: Window | None, now: datetime
    ) -> Mapping[str, Counts]:
        if earlier is None or not ids:
            return {}
        counts = await self._repository.window_counts(site, ids, shares(earlier, now))
        return {article_id: each.over(WHOLE) for article_id, each in counts.items()}

    async def _place(self, at: ListMoment, offset: int, limit: int) -> list[Placed[RankedRow]]:
        query = at.query
        if query.words and self._source.quarantines(query):
            placed = await self._search(at)
        elif query.words:
            placed = _place_matches(await self._source.rows(at, offset + limit))
        elif offset >= _BELOW_ALL_PINS and not self._source.quarantines(query):
            # Pinned ranks end at 100, so all pinned articles are above this page and the ranks
            # follow from the row numbers.
            rows = await self._source.rows(at, offset + limit, skip=offset)
            return [Placed(offset + n, False, row) for n, row in enumerate(rows[:limit], 1)]
        else:
            placed = _place_all(await self._source.rows(at, offset + limit))
        return list(islice(placed, offset, offset + limit))

    async def _search(self, at: ListMoment) -> Iterator[Placed[RankedRow]]:
        """Search a list that quarantines articles, to a depth of PREVIOUS_RANK_DEPTH.

        Ranks depend on how many articles above are quarantined, which is known only after
        examining each of them.
        """
        matches = await self._source.matches(at, PREVIOUS_RANK_DEPTH)
        full_list = at._replace(query=replace(at.query, q=None))
        rows = await self._source.rows(full_list, PREVIOUS_RANK_DEPTH)
        first = islice(_place_all(rows), PREVIOUS_RANK_DEPTH)
        return (placed for placed in first if placed.article.article_id in matches)

    async def _previous_ranks(self, query: ListQuery, now: datetime) -> Mapping[str, int]:
        # A decision moves articles in both lists, and so changes no rank by itself.
        state = await self._repository.editorial_state(query.site, now)
        # A search keeps the ranks of the full list.
        full_list = replace(query.full_list, q=None)
        return await self._previous.get(_Previous(full_list, after_this_minute(now), state))

    async def _load_previous_ranks(self, previous: _Previous) -> Mapping[str, int]:
        query = previous.query
        window = previous_window(
            query.window, previous.minute_end - MINUTE, periods.zone(query), query.bounds
        )
        if window is None:
            return {}
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        placed = await self._place(ListMoment(query, window, now), 0, PREVIOUS_RANK_DEPTH)
        return {each.article.article_id: each.rank for each in placed}


def _place_all(rows: Sequence[RankedRow]) -> Iterator[Placed[RankedRow]]:
    pinned = [(row.pinned, row) for row in rows if row.pinned is not None]
    return place(pinned, (row for row in rows if row.pinned is None))


def _place_matches(rows: Sequence[RankedRow]) -> Iterator[Placed[RankedRow]]:
    """Place the results of a search at their ranks in the full list."""
    pinned = [(row.pinned, row) for row in rows if row.pinned is not None]
    others = ((row.number, row) for row in rows if row.pinned is None)
    count = rows[0].others if rows else 0
    return (placed for placed in place_some(pinned, others, count) if placed.article.matches)


def web_link(metadata: Metadata | None) -> str | None:
    """Return the URL of an article if its scheme is http or https."""
    return web_address(metadata.url) if metadata else None


def web_address(url: str) -> str | None:
    """Return a URL if its scheme is http or https."""
    return url if urlsplit(url).scheme in {"http", "https"} else None


def is_stale(as_of: datetime | None, now: datetime, stale_after: timedelta) -> bool:
    """Return whether the watermark is unknown or older than `stale_after`."""
    return as_of is None or now - as_of > stale_after
