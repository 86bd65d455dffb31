"""The rows of a list: ranked in ClickHouse, and filtered by the integrity policy."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from mostread.core.ranking.integrity import (
    Integrity,
    IntegrityPolicy,
    VisitorsRow,
    visitor_hours,
)
from mostread.core.ranking.query_plan import plan, trending_plan
from mostread.core.ranking.trends import Usual
from mostread.core.ranking.windows import Window
from mostread.ranking.queries import ListQuery
from mostread.ranking.repository import RankedRow, RankingRepository
from mostread.ranking.service.usual import UsualActivity
from mostread.ranking.steps import step_start


class ListMoment(NamedTuple):
    """A list at one moment: its query, its window, and the time of the request."""

    query: ListQuery
    window: Window
    now: datetime


class RankedSource:
    """Fetches the rows that lists are made of."""

    def __init__(
        self, repository: RankingRepository, policy: IntegrityPolicy, usual: UsualActivity
    ) -> None:
        self._repository = repository
        self._policy = policy
        self._usual = usual

    def quarantines(self, query: ListQuery) -> bool:
        """Return whether the policy can keep articles out of this list."""
        return self._policy.quarantines and not query.quarantined

    async def rows(self, at: ListMoment, count: int, skip: int = 0) -> list[RankedRow]:
        """Return the pinned articles and the first `count` others that are not quarantined.

        The first `skip` rows are left out; a list that quarantines does not support it.
        """
        rows = await self._ranked(at, count, skip)
        if not self.quarantines(at.query):
            return rows
        fetched = count
        while True:
            ids = [row.article_id for row in rows if row.pinned is None]
            visitors = await self.visitors(at, ids)
            listed = [row for row in rows if not self._is_quarantined(row, visitors)]
            if len(ids) < fetched or sum(row.pinned is None for row in listed) >= count:
                return listed
            fetched *= 2
            rows = await self._ranked(at, fetched, 0)

    async def matches(self, at: ListMoment, count: int) -> set[str]:
        """Return the ids that match the search among the first `count` rows."""
        return {row.article_id for row in await self._ranked(at, count, 0) if row.matches}

    async def visitors(self, at: ListMoment, ids: list[str]) -> Mapping[str, VisitorsRow]:
        """Return the visitor statistics of articles in the window of a list."""
        hours = visitor_hours(at.window, at.now)
        return await self._repository.visitors(at.query.site, ids, *hours)

    def integrity(self, row: RankedRow, visitors: Mapping[str, VisitorsRow]) -> Integrity | None:
        """Return the integrity of a row, None without data."""
        return self._policy.assess(
            visitors.get(row.article_id),
            row.views,
            approved=row.approved,
            pinned=row.pinned is not None,
        )

    def _is_quarantined(self, row: RankedRow, visitors: Mapping[str, VisitorsRow]) -> bool:
        integrity = self.integrity(row, visitors)
        return integrity is not None and integrity.quarantined

    async def _usual_at(self, site: str, end: datetime) -> Usual:
        as_of = await self._repository.watermark()
        # An hour that is not yet counted in full would be remembered as a quiet one.
        if as_of is not None and as_of < step_start(end, "hour"):
            end = as_of
        return await self._usual.at(site, end)

    async def _ranked(self, at: ListMoment, count: int, skip: int) -> list[RankedRow]:
        query, window, now = at
        usual = await self._usual_at(query.site, window.end) if query.trending else Usual()
        return await self._repository.ranked(
            query,
            trending_plan(window, now) if query.trending else plan(window, now, query.half_life),
            now,
            usual=usual,
            rows=count,
            skip=skip,
            # Fewer views imply fewer visitors, so deep pages need not examine every article.
            min_views=0 if query.quarantined else self._policy.min_visitors,
        )
