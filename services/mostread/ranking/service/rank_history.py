"""Compute rank histories: an article's rank by hour, by the views of the preceding 24 hours."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.windows import HOUR
from mostread.ranking.cache.cache import SITE_TTL_SECONDS, Cache
from mostread.ranking.queries import ArticleQuery
from mostread.ranking.ranks_repository import RanksRepository
from mostread.ranking.repository import RankingRepository
from mostread.ranking.service.lists import is_stale
from mostread.ranking.steps import step_start

HOURS = 48
LENGTH = 24
MAX_RANK = 1000
"""Ranks below it are not recorded."""

_MOST_WITHHELD = 200
"""Articles among the first that may be withheld without a gap in the last ranks."""

_HOURS_PER_QUERY = 12
"""On a large site, a query of all HOURS would take too long."""

_KEPT = timedelta(hours=6)
"""How long ranks are kept: events that come late, and imports, change those of past hours."""

_WITHHELD_REVALIDATE_SECONDS = 60.0

_CACHED_SITES = 20


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class RankHistory:
    """Ranks at the ends of the last HOURS complete hours, up to `last`, of lists of `lengths`.

    A rank is None if the article was not among the first MAX_RANK, or had no views. The length is
    0 then.
    """

    query: ArticleQuery
    as_of: datetime | None
    stale: bool
    last: datetime
    ranks: tuple[int | None, ...]
    lengths: tuple[int, ...]

    @property
    def ends(self) -> list[datetime]:
        """The times of the ranks."""
        return _ends(self.last)


class _Hour(NamedTuple):
    """The ranks at the end of an hour, as of `computed_at`, among `length` articles."""

    computed_at: datetime
    ranks: Mapping[str, int]
    length: int


_Hours = Mapping[datetime, _Hour]
_Key = tuple[str, datetime, int]
"""A site, its last counted hour, and the version of its aliases."""


class RankHistoryService:
    """Computes the ranks of a whole site, withheld articles included, hour by hour.

    Then it leaves out those that are withheld now, so that past ranks are those by the decisions
    in force, like `previous_rank` of a list. `clock` is in milliseconds.
    """

    def __init__(
        self,
        repository: RankingRepository,
        ranks: RanksRepository,
        clock: Callable[[], int],
        stale_after: timedelta,
    ) -> None:
        self._repository = repository
        self._ranks = ranks
        self._clock = clock
        self._stale_after = stale_after
        self._hours: dict[tuple[str, int], dict[datetime, _Hour]] = {}
        self._sites = Cache(self._load_site, capacity=_CACHED_SITES)
        self._withheld = Cache(
            self._load_withheld,
            capacity=_CACHED_SITES,
            ttl=SITE_TTL_SECONDS,
            revalidate=_WITHHELD_REVALIDATE_SECONDS,
        )

    async def compute(self, query: ArticleQuery) -> RankHistory:
        """Compute one article's history. Raises ClickHouseUnavailable or Misconfigured."""
        now = self._now()
        aliases = self._repository.aliases
        site, article_id, _ = await aliases.article(*query)
        names = await aliases.names(site)
        as_of = await self._repository.watermark()
        # The last hour of which every event is counted, even if counting is far behind.
        last = step_start(as_of or now, "hour")
        key = (site, last, names.version)
        hours, withheld = await asyncio.gather(self._sites.get(key), self._withheld.get(key))
        listed = article_id not in withheld
        places = [
            _place(article_id, hours[end], _read_before(end, last, withheld))
            if listed
            else _NOWHERE
            for end in _ends(last)
        ]
        return RankHistory(
            ArticleQuery(site, article_id),
            as_of,
            is_stale(as_of, now, self._stale_after),
            last,
            tuple(rank for rank, _ in places),
            tuple(length for _, length in places),
        )

    async def _load_withheld(self, key: _Key) -> Mapping[str, Sequence[int]]:
        site, last, _ = key
        hours = HOURS + LENGTH - 1
        return await self._ranks.withheld(site, _first(last), self._now(), hours=hours)

    async def _load_site(self, key: _Key) -> _Hours:
        """Compute the hours that are not known. Those that one attempt computed help the next."""
        site, last, version = key
        oldest = self._now() - _KEPT
        known = {
            end: hour
            for end, hour in self._hours.get((site, version), {}).items()
            if end in _ends(last) and hour.computed_at > oldest
        }
        self._hours[site, version] = known
        while len(self._hours) > _CACHED_SITES:
            del self._hours[next(iter(self._hours))]
        missing = [end for end in _ends(last) if end not in known]
        while missing:
            some = [end for end in missing if missing[-1] - end < _HOURS_PER_QUERY * HOUR]
            known |= await self._load_hours(site, some)
            del missing[-len(some) :]
        return known

    async def _load_hours(self, site: str, ends: Sequence[datetime]) -> _Hours:
        now = self._now()
        number = (ends[-1] - ends[0]) // HOUR + 1
        rows = await self._ranks.rank_history(
            site,
            ends[0] - LENGTH * HOUR,
            hours=number,
            length=LENGTH,
            ranks=MAX_RANK + _MOST_WITHHELD,
        )
        hours: dict[datetime, _Hour] = {}
        for n in range(number):
            ranks = {row.article_id: row.ranks[n] for row in rows if row.ranks[n]}
            length = max((row.lengths[n] for row in rows), default=0)
            hours[ends[0] + n * HOUR] = _Hour(now, ranks, length)
        return hours

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1000, UTC)


_NOWHERE = (None, 0)


def _ends(last: datetime) -> list[datetime]:
    return [last - n * HOUR for n in reversed(range(HOURS))]


def _first(last: datetime) -> datetime:
    """Return the start of the first hour that counts."""
    return last - (HOURS + LENGTH - 1) * HOUR


def _read_before(end: datetime, last: datetime, views: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the articles with views in the LENGTH hours before `end`."""
    start = (end - _first(last)) // HOUR - LENGTH
    return [each for each, hourly in views.items() if any(hourly[start : start + LENGTH])]


def _place(article_id: str, hour: _Hour, withheld: Collection[str]) -> tuple[int | None, int]:
    """Return the rank of an article and the length of the list, without the articles withheld."""
    among_all = hour.ranks.get(article_id)
    if among_all is None:
        return _NOWHERE
    rank = among_all - sum(hour.ranks.get(each, among_all) < among_all for each in withheld)
    return (rank, hour.length - len(withheld)) if rank <= MAX_RANK else _NOWHERE
