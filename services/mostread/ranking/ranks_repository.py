"""ClickHouse queries of rank histories; each method runs one file of sql/."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from mostread.core.editorial.placements import CLOCK_TOLERANCE_MS
from mostread.infra.clickhouse.pool import QueryPool


class RanksRow(msgspec.Struct, frozen=True):
    """Ranks of an article by hour, 0 without a rank, and the lengths of the lists it was in."""

    article_id: str
    ranks: list[int]
    lengths: list[int]


class _Decision(msgspec.Struct, frozen=True):
    version: int


@dataclass(frozen=True, slots=True)
class RanksRepository:
    """Read access to ranks. Every method raises ClickHouseUnavailable or Misconfigured."""

    pool: QueryPool

    async def latest_decision(self, site: str) -> int:
        """Return the version of the latest decision about an article of a site, 0 without any."""
        [row] = await self.pool.rows("latest_decision", _Decision, {"site": site})
        return row.version

    async def rank_history(
        self,
        site: str,
        start: datetime,
        *,
        now: int,
        hours: int,
        length: int,
        ranks: int,
        undescribed: bool,
    ) -> Mapping[str, RanksRow]:
        """Return the ranks of a site's articles by hour, 0 below the first `ranks`.

        Each row has `hours` ranks, an hour apart. The first is as of `length` hours after `start`;
        each is by the views of the `length` hours before it. Articles that are withheld at `now`
        (ms) have none.
        """
        parameters = {"site": site, "start": int(start.timestamp()), "at": now}
        parameters |= {"hours": hours, "length": length, "ranks": ranks}
        parameters |= {"undescribed": int(undescribed), "latest": now + CLOCK_TOLERANCE_MS}
        rows = await self.pool.rows("rank_history", RanksRow, parameters)
        return {row.article_id: row for row in rows}
