"""Compute time series of a site: the sums over its articles per minute, hour or day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mostread.core.ranking.query_plan import row_weights
from mostread.core.ranking.windows import stored
from mostread.ranking.queries import SiteSeriesQuery
from mostread.ranking.repository import Counts, RankingRepository
from mostread.ranking.service.lists import is_stale
from mostread.ranking.site_repository import SiteRepository, weighted_sum
from mostread.ranking.steps import split


@dataclass(frozen=True, slots=True)
class SiteStep:
    """Counts of one step; until it is `complete`, events of it may be uncounted."""

    start: datetime
    counts: Counts
    complete: bool


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class SiteSeries:
    """Counts of every step of a query, in their order."""

    query: SiteSeriesQuery
    as_of: datetime | None
    stale: bool
    steps: list[SiteStep]


@dataclass(frozen=True, slots=True)
class SiteSeriesService:
    """Computes time series. `clock` is in milliseconds since the epoch."""

    repository: RankingRepository
    site_repository: SiteRepository
    clock: Callable[[], int]
    stale_after: timedelta

    async def compute(self, query: SiteSeriesQuery) -> SiteSeries:
        """Compute one series. Raises ClickHouseUnavailable or Misconfigured."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        as_of = await self.repository.watermark()
        zone = ZoneInfo(query.tz or "UTC")
        steps = list(split(query.start, query.end, query.grain, zone))
        weights = [row_weights(stored(step, now), now) for step in steps]
        counts = await self.site_repository.counts(
            query.site, query.filters, {bucket for each in weights for bucket in each}, now
        )
        return SiteSeries(
            query,
            as_of,
            is_stale(as_of, now, self.stale_after),
            [
                SiteStep(step.start, weighted_sum(counts, each), is_complete(step.end, as_of))
                for step, each in zip(steps, weights, strict=True)
            ],
        )


def is_complete(end: datetime, as_of: datetime | None) -> bool:
    """Return whether every event before `end` is counted."""
    return as_of is not None and end <= as_of
