"""ClickHouse queries of rank histories; each method runs one file of sql/."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.aliases import AliasRepository
from mostread.ranking.repository import moment


class RanksRow(msgspec.Struct, frozen=True):
    """Ranks of an article by hour, 0 without a rank, and the lengths of the lists it was in."""

    article_id: str
    ranks: list[int]
    lengths: list[int]


class WithheldRow(msgspec.Struct, frozen=True):
    """Views by hour of an article that is withheld."""

    article_id: str
    views: list[int]


@dataclass(frozen=True, slots=True)
class RanksRepository:
    """Read access to ranks. Every method raises ClickHouseUnavailable or Misconfigured.

    `undescribed` tells whether lists contain articles that the CMS has not described.
    """

    pool: QueryPool
    aliases: AliasRepository
    undescribed: bool

    async def rank_history(
        self, site: str, start: datetime, *, hours: int, length: int, ranks: int
    ) -> list[RanksRow]:
        """Return the ranks of a site's articles by hour, 0 below the first `ranks`.

        Each row has `hours` ranks, an hour apart. The first is as of `length` hours after `start`;
        each is by the views of the `length` hours before it. Withheld articles have ranks too.
        """
        parameters = {**await self._site(site, start), "hours": hours}
        parameters |= {"length": length, "ranks": ranks}
        return await self.pool.rows("rank_history", RanksRow, parameters)

    async def withheld(
        self, site: str, start: datetime, now: datetime, *, hours: int
    ) -> Mapping[str, list[int]]:
        """Return the views of articles that are withheld at `now`, in `hours` hours from `start`.

        Articles without views are absent.
        """
        parameters = {**await self._site(site, start), "hours": hours, **moment(now)}
        rows = await self.pool.rows("withheld_hours", WithheldRow, parameters)
        return {row.article_id: row.views for row in rows}

    async def _site(self, site: str, start: datetime) -> dict[str, object]:
        return {
            **(await self.aliases.names(site)).parameters(),
            "start": int(start.timestamp()),
            "undescribed": int(self.undescribed),
        }
