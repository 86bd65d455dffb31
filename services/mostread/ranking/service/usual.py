"""The usual activity of each site, against which trending lists compare."""

import asyncio
from datetime import datetime, timedelta

from mostread.core.ranking.query_plan import Bucket
from mostread.core.ranking.trends import PROFILE_HOURS, TRENDING_BASELINE, Usual, usual
from mostread.ranking.cache.cache import Cache
from mostread.ranking.queries import Filters
from mostread.ranking.site_repository import SiteRepository
from mostread.ranking.steps import step_start

_CAPACITY = 100
_Hours = tuple[list[int], int]


class UsualActivity:
    """Caches the views of each site in the hours before the current one."""

    def __init__(self, repository: SiteRepository) -> None:
        self._repository = repository
        self._hours = Cache(self._load, capacity=_CAPACITY)

    async def at(self, site: str, end: datetime) -> Usual:
        """Return what is usual for a site at `end`, in UTC.

        Raises ClickHouseUnavailable or Misconfigured.
        """
        hour = step_start(end, "hour")
        return usual(end, *await self._hours.get((site, hour)))

    async def _load(self, key: tuple[str, datetime]) -> _Hours:
        site, hour = key
        hours = [
            Bucket("hour", int((hour - timedelta(hours=n)).timestamp()))
            for n in range(PROFILE_HOURS, 0, -1)
        ]
        counts, best_hour = await asyncio.gather(
            self._repository.counts(site, Filters(), hours, hour),
            self._repository.best_hour(site, hour - TRENDING_BASELINE, hour),
        )
        return [counts[each].views if each in counts else 0 for each in hours], best_hour
