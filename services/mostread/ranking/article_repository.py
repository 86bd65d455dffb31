"""ClickHouse queries of article pages; each method runs one file of sql/."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from mostread.core.ranking.query_plan import Bucket
from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.repository import Counts
from mostread.ranking.site_repository import BucketRow, by_bucket


class TypicalRow(msgspec.Struct, frozen=True):
    """Medians over `articles` at an age in steps: the views of the step, and of all up to it."""

    age: int
    articles: int
    views: float
    so_far: float


@dataclass(frozen=True, slots=True)
class ArticleRepository:
    """Reads one article over time. Methods raise ClickHouseUnavailable or Misconfigured."""

    pool: QueryPool

    async def counts(
        self, site: str, article_id: str, buckets: Collection[Bucket]
    ) -> Mapping[Bucket, Counts]:
        """Return the counts of an article by counter row; rows without events are absent."""
        parameters = {"site": site, "article": article_id, "windows": tuple(buckets)}
        return by_bucket(await self.pool.rows("article_buckets", BucketRow, parameters))

    async def typical(
        self,
        site: str,
        section: str,
        since: datetime,
        until: datetime,
        *,
        step: timedelta,
        steps: int,
    ) -> list[TypicalRow]:
        """Return the medians of a section's articles published in a period, by age.

        `step` is a whole number of hours. Without articles there are no rows.
        """
        parameters = {
            "site": site,
            "section": section,
            "since": int(since.timestamp()),
            "until": int(until.timestamp()),
            "step": int(step.total_seconds()),
            "steps": steps,
        }
        return await self.pool.rows("typical", TypicalRow, parameters)
