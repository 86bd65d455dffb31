"""One list: the order from ClickHouse, pinned articles put in place, and what is said of each."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from mostread.core.ranking.integrity import Integrity, Rules, VisitorsRow, hours_of
from mostread.core.ranking.ordering import Placed, place, place_some
from mostread.core.ranking.query_plan import Plan, plan, trending_plan
from mostread.core.ranking.scoring import TRENDING_PAST
from mostread.core.ranking.windows import MINUTE, Window, a_step_before, after_this_minute, named
from mostread.ranking.api.params import By, ListQuery
from mostread.ranking.cache.memo import Remembered
from mostread.ranking.config import Weights
from mostread.ranking.repository import Counts, Description, RankedRow, Store

COMPARED = 1000
"""So many ranks of the list a step before are known."""

_KEPT_BEFORE = 100
_BELOW_ALL_PINS = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """An article in the list. `about` is None where the CMS said nothing of it."""

    rank: int
    previous_rank: int | None
    pinned: bool
    row: RankedRow
    total: Counts
    about: Description | None
    integrity: Integrity | None

    @property
    def article_id(self) -> str:
        return self.row.article_id

    @property
    def window(self) -> Counts:
        return self.row.counts

    @property
    def title(self) -> str:
        """What the CMS calls it, or its id."""
        return self.about.title if self.about else self.article_id

    @property
    def language(self) -> str:
        return self.about.language if self.about else ""

    @property
    def link(self) -> str | None:
        """Where it is, if that is an address that a page may link to."""
        return web_link(self.about)

    def score(self, by: By) -> float:
        """Return the weighted sum, or what a list of what is trending is ordered by."""
        return self.row.ranked if by == "trending" else self.row.points


@dataclass(frozen=True, slots=True)
class MostRead:
    """A list as it stood when it was computed; `as_of` is None where that is not known."""

    query: ListQuery
    window: Window
    as_of: datetime | None
    stale: bool
    entries: tuple[Entry, ...]
    weights: Weights


@dataclass(frozen=True, slots=True)
class Order:
    """A stretch of a list by the numbers alone, at one moment."""

    now: datetime
    window: Window
    as_of: datetime | None
    placed: Sequence[Placed[RankedRow]]
    before: Mapping[str, int]


class MostReadLists:
    """Computes lists. `clock` is in milliseconds since the epoch."""

    def __init__(
        self, store: Store, clock: Callable[[], int], stale_after: timedelta, rules: Rules
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._stale_after = stale_after
        self._before = Remembered(self._ranks_before, capacity=_KEPT_BEFORE)
        self._typical = Remembered(self._typical_of, capacity=_KEPT_BEFORE)

    async def compute(self, query: ListQuery) -> MostRead:
        """Raise ClickHouseUnavailable or Misconfigured where it cannot be computed."""
        order = await self.order(query, query.offset, query.limit)
        return await self.listed(query, order, order.placed)

    async def order(self, query: ListQuery, offset: int, limit: int) -> Order:
        """Return `limit` articles of the list from `offset` on. Raises as `compute`."""
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        window = named(query.window, now, _zone(query))
        minute = after_this_minute(now)
        # How far it is counted is asked first: the list may hold more than it says, never less.
        as_of = await self._store.counted_until()
        placed, before = await asyncio.gather(
            self._placed(query, window, now, offset, limit),
            # Where an article that is found stood is where it stood in the whole list.
            self._before.get((replace(query.whole, q=None), minute)),
        )
        return Order(now, window, as_of, placed, before)

    async def listed(
        self, query: ListQuery, order: Order, placed: Sequence[Placed[RankedRow]]
    ) -> MostRead:
        """Return what stands in some places of an order, described. Raises as `compute`."""
        ids = [at.article.article_id for at in placed]
        totals, described, visitors = await asyncio.gather(
            self._store.totals(query.site, ids),
            self._store.described(query.site, ids),
            self._store.visitors(query.site, ids, *hours_of(order.window, order.now)),
        )
        entries = tuple(
            Entry(
                rank=at.rank,
                # A pinned article's place says nothing of its numbers.
                previous_rank=None if at.pinned else order.before.get(at.article.article_id),
                pinned=at.pinned,
                row=at.article,
                total=totals.get(at.article.article_id, Counts()),
                about=described.get(at.article.article_id),
                integrity=self._integrity(at.article, visitors),
            )
            for at in placed
        )
        stale = is_stale(order.as_of, order.now, self._stale_after)
        weights = self._store.weights
        return MostRead(query, order.window, order.as_of, stale, entries, weights)

    async def _placed(
        self, query: ListQuery, window: Window, now: datetime, offset: int, limit: int
    ) -> list[Placed[RankedRow]]:
        # Pinned ranks end at 100. Far below them all the pinned articles stand above, and what
        # stands above a page need not be fetched to know its ranks.
        quarantines = self._rules.quarantines and not query.quarantined
        if quarantines and query.words:
            found = await self._found(query, window, now)
            return list(islice(found, offset, offset + limit))
        skip = offset if offset >= _BELOW_ALL_PINS and not (quarantines or query.words) else 0
        rows = await self._ranked(query, window, now, offset + limit, skip)
        if quarantines:
            rows = await self._let_through(query, window, now, offset + limit, rows)
        if skip:
            return [Placed(offset + n, False, row) for n, row in enumerate(rows[:limit], 1)]
        pinned = [(row.pinned, row) for row in rows if row.pinned is not None]
        others = [row for row in rows if row.pinned is None]
        if query.words:
            count = rows[0].others if rows else 0
            placed = place_some(pinned, ((row.number, row) for row in others), count)
            placed = (at for at in placed if at.article.found)
        else:
            placed = place(pinned, others)
        return list(islice(placed, offset, offset + limit))

    async def _found(
        self, query: ListQuery, window: Window, now: datetime
    ) -> Iterator[Placed[RankedRow]]:
        """Return what is searched for where articles may be held back.

        How many of those above are is not known before each was looked at: only the first ranks
        are searched.
        """
        rows = await self._ranked(query, window, now, COMPARED)
        found = {row.article_id for row in rows if row.found}
        whole = await self._placed(replace(query, q=None), window, now, 0, COMPARED)
        return (at for at in whole if at.article.article_id in found)

    async def _ranked(
        self, query: ListQuery, window: Window, now: datetime, rows: int, skip: int = 0
    ) -> list[RankedRow]:
        return await self._store.ranked(
            query,
            self._plan(query, window, now),
            now,
            typical=await self._typical.get((query.site, window.start)) if _trends(query) else 0.0,
            rows=rows,
            skip=skip,
            # Fewer views are fewer visitors: this keeps pages far down from asking for them all.
            least_views=0 if query.quarantined else self._rules.min_visitors,
        )

    async def _let_through(
        self, query: ListQuery, window: Window, now: datetime, wanted: int, rows: list[RankedRow]
    ) -> list[RankedRow]:
        """Return `wanted` rows that are not held back, the first of which are among `rows`.

        What an editor has pinned is not held back.
        """
        asked = wanted
        while True:
            ids = [row.article_id for row in rows if row.pinned is None]
            visitors = await self._store.visitors(query.site, ids, *hours_of(window, now))
            through = [row for row in rows if not self._is_quarantined(row, visitors)]
            enough = sum(row.pinned is None for row in through) >= wanted
            if enough or len(ids) < asked:
                return through
            asked *= 2
            rows = await self._ranked(query, window, now, asked)

    def _is_quarantined(self, row: RankedRow, visitors: Mapping[str, VisitorsRow]) -> bool:
        integrity = self._integrity(row, visitors)
        return integrity is not None and integrity.quarantined

    def _integrity(self, row: RankedRow, visitors: Mapping[str, VisitorsRow]) -> Integrity | None:
        return self._rules.integrity(
            visitors.get(row.article_id),
            row.views,
            approved=row.approved,
            pinned=row.pinned is not None,
        )

    def _plan(self, query: ListQuery, window: Window, now: datetime) -> Plan:
        if _trends(query):
            return trending_plan(window, now)
        return plan(window, now, query.half_life)

    async def _ranks_before(self, key: tuple[ListQuery, datetime]) -> Mapping[str, int]:
        query, minute_end = key
        now = minute_end - MINUTE
        window = a_step_before(query.window, now, _zone(query))
        placed = await self._placed(query, window, now, 0, COMPARED)
        return {at.article.article_id: at.rank for at in placed}

    async def _typical_of(self, key: tuple[str, datetime]) -> float:
        site, start = key
        past = trending_plan(Window("", start, start), start).base
        return await self._store.typical(site, past, TRENDING_PAST.total_seconds() / 3600)


def web_link(about: Description | None) -> str | None:
    """Return where an article is, if that is an address that a page may link to."""
    url = about.url if about else ""
    return url if urlsplit(url).scheme in {"http", "https"} else None


def is_stale(as_of: datetime | None, now: datetime, stale_after: timedelta) -> bool:
    """Say whether events may be missing that a reader would expect to be counted."""
    return as_of is None or now - as_of > stale_after


def _zone(query: ListQuery) -> ZoneInfo:
    return ZoneInfo(query.tz or "UTC")


def _trends(query: ListQuery) -> bool:
    return query.by == "trending"
