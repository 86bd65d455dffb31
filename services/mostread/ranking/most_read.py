"""One list: the order from ClickHouse, pinned articles put in place, and what is said of each."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from mostread.engagement.ranking import place
from mostread.engagement.spans import spans
from mostread.engagement.window import Window, named
from mostread.ranking.parameters import ListQuery
from mostread.ranking.store import Counts, Description, Store


@dataclass(frozen=True, slots=True)
class Entry:
    """An article in the list. `about` is None where the CMS said nothing of it."""

    rank: int
    article_id: str
    pinned: bool
    window: Counts
    total: Counts
    score: float
    about: Description | None


@dataclass(frozen=True, slots=True)
class MostRead:
    """A list as it stood when it was computed; `as_of` is None where that is not known."""

    query: ListQuery
    window: Window
    as_of: datetime | None
    stale: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class MostReadLists:
    """Computes lists. `clock` is in milliseconds since the epoch."""

    store: Store
    clock: Callable[[], int]
    stale_after: timedelta

    async def compute(self, query: ListQuery) -> MostRead:
        """Raise ClickHouseUnavailable or Misconfigured where it cannot be computed."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        window = named(query.window, now, ZoneInfo(query.tz) if query.tz else UTC)
        # How far it is counted is asked first: the list may hold more than it says, never less.
        as_of = await self.store.counted_until()
        rows = await self.store.ranked(query, spans(window, now), now)
        placed = place(
            ((row.pinned, row) for row in rows if row.pinned is not None),
            (row for row in rows if row.pinned is None),
        )
        listed = list(islice(placed, query.offset, query.offset + query.limit))
        ids = [at.article.article_id for at in listed]
        totals, described = await asyncio.gather(
            self.store.totals(query.site, ids), self.store.described(query.site, ids)
        )
        entries = tuple(
            Entry(
                rank=at.rank,
                article_id=at.article.article_id,
                pinned=at.pinned,
                window=at.article.counts,
                total=totals.get(at.article.article_id, Counts()),
                score=at.article.score,
                about=described.get(at.article.article_id),
            )
            for at in listed
        )
        return MostRead(query, window, as_of, is_stale(as_of, now, self.stale_after), entries)


def is_stale(as_of: datetime | None, now: datetime, stale_after: timedelta) -> bool:
    """Say whether events may be missing that a reader would expect to be counted."""
    return as_of is None or now - as_of > stale_after
