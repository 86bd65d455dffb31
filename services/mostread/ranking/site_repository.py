"""ClickHouse queries about a site as a whole."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from mostread.core.counting.counters import Grain
from mostread.core.ranking.query_plan import Bucket, RowWeights
from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.aliases import AliasRepository
from mostread.ranking.counter_rows import RowCondition
from mostread.ranking.queries import Filters
from mostread.ranking.repository import Counts, moment


class BucketRow(Counts, frozen=True, kw_only=True):
    """Counts of one counter row; `start` is in epoch seconds."""

    grain: Grain
    start: int


class _BestHour(msgspec.Struct, frozen=True):
    views: int


class FacetRow(msgspec.Struct, frozen=True):
    """A value that lists can be filtered by; `kind` is site, section, language, author or tag."""

    kind: str
    name: str
    articles: int


@dataclass(frozen=True, slots=True)
class SiteRepository:
    """Reads sums over the articles of a site.

    Every method raises ClickHouseUnavailable or Misconfigured.
    """

    pool: QueryPool
    aliases: AliasRepository

    async def counts(
        self, site: str, filters: Filters, buckets: Collection[Bucket], now: datetime
    ) -> Mapping[Bucket, Counts]:
        """Return the counts of articles by counter row; rows without events are absent.

        With filters, articles that are withheld at `now` do not contribute: a tag of their own
        would tell of them.
        """
        if not buckets:
            return {}
        parameters = {
            **(await self.aliases.names(site)).parameters(),
            "selected": RowCondition(buckets),
            "everything": int(not any(filters)),
            **filters.parameters(now),
            **moment(now),
        }
        return by_bucket(await self.pool.rows("site_counts", BucketRow, parameters))

    async def best_hour(self, site: str, start: datetime, end: datetime) -> int:
        """Return the views of the typical article in its best hour, 0 without views.

        That is the median of the hundred articles whose best hours have the most views.
        """
        names = await self.aliases.names(site)
        parameters = {
            **names.parameters(),
            "start": int(start.timestamp()),
            "end": int(end.timestamp()),
        }
        [row] = await self.pool.rows("best_hour", _BestHour, parameters)
        return row.views

    async def facets(self, site: str, *, undescribed: bool) -> list[FacetRow]:
        """Return the sites, and the filter values of one, in display order.

        Sites have described articles, or with `undescribed` any that is counted.
        """
        names = await self.aliases.names(site)
        parameters = {**names.parameters(), "undescribed": int(undescribed)}
        return await self.pool.rows("facets", FacetRow, parameters)


def by_bucket(rows: Iterable[BucketRow]) -> Mapping[Bucket, Counts]:
    """Return the counts of each counter row."""
    return {
        Bucket(row.grain, row.start): Counts(row.views, row.comments, row.likes) for row in rows
    }


def weighted_sum(counts: Mapping[Bucket, Counts], weights: RowWeights) -> Counts:
    """Return the sum of the counts of all rows, each multiplied by its weight."""
    rows = [(counts[bucket], weight) for bucket, weight in weights.items() if bucket in counts]
    return Counts(
        sum(row.views * weight for row, weight in rows),
        sum(row.comments * weight for row, weight in rows),
        sum(row.likes * weight for row, weight in rows),
    )
