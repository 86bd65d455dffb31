"""Compute the sums over a site's articles: in a window, and in the last minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.comparison import WHOLE, shares
from mostread.core.ranking.query_plan import row_weights
from mostread.core.ranking.windows import Window
from mostread.ranking.queries import TotalsQuery
from mostread.ranking.repository import Counts, RankingRepository
from mostread.ranking.service import periods
from mostread.ranking.service.lists import is_stale
from mostread.ranking.site_repository import SiteRepository, weighted_sum

NOW_MINUTES = 5
"""Length of the time that `Now` counts."""


@dataclass(frozen=True, slots=True)
class Now:
    """Views in the last five minutes that are counted, and at the same time in the past."""

    views: int
    day_before: int
    week_before: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The sums in the window to compare with."""

    window: Window
    counts: Counts


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Totals:
    """The sums over a site's articles at one moment."""

    query: TotalsQuery
    window: Window
    as_of: datetime | None
    stale: bool
    counts: Counts
    compared: Compared | None
    now: Now

    @property
    def not_compared(self) -> periods.NotCompared | None:
        """Why nothing is compared, although the query asks for it."""
        return periods.not_compared(self.query, self.compared.window if self.compared else None)


@dataclass(frozen=True, slots=True)
class TotalsService:
    """Computes totals. `clock` is in milliseconds since the epoch."""

    repository: RankingRepository
    site_repository: SiteRepository
    clock: Callable[[], int]
    stale_after: timedelta

    async def compute(self, query: TotalsQuery) -> Totals:
        """Compute the totals of a query. Raises ClickHouseUnavailable or Misconfigured."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        window = periods.window(query, now)
        compared = periods.compared(query, window, now)
        as_of = await self.repository.watermark()
        # An unfinished minute has fewer views than the same minute of another day.
        end = min(now, as_of or now).replace(second=0, microsecond=0)
        length = timedelta(minutes=NOW_MINUTES)
        ends = [end - timedelta(days=days) for days in (0, 1, 7)]
        weights = [
            row_weights(window, now),
            shares(compared, now) if compared else {},
            *(row_weights(Window("", each - length, each), now) for each in ends),
        ]
        counts = await self.site_repository.counts(
            query.site, query.filters, {bucket for each in weights for bucket in each}, now
        )
        total, earlier, *latest = (weighted_sum(counts, each) for each in weights)
        return Totals(
            query=query,
            window=window,
            as_of=as_of,
            stale=is_stale(as_of, now, self.stale_after),
            counts=total,
            compared=Compared(compared, earlier.over(WHOLE)) if compared else None,
            now=Now(*(each.views for each in latest)),
        )
