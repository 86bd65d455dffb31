"""ClickHouse queries of the typical article; each method runs one file of sql/."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.aliases import AliasRepository


class TypicalRow(msgspec.Struct, frozen=True):
    """Medians over `articles` at an age in steps: the views of the step, and of all up to it."""

    age: int
    articles: int
    views: float
    so_far: float


class _FirstHour(msgspec.Struct, frozen=True):
    start: int


@dataclass(frozen=True, slots=True)
class TypicalRepository:
    """Reads medians. Every method raises ClickHouseUnavailable or Misconfigured."""

    pool: QueryPool
    aliases: AliasRepository

    async def first_hour(self, site: str) -> datetime | None:
        """Return the first hour of a site in which an event was counted, None without any."""
        names = await self.aliases.names(site)
        rows = await self.pool.rows("first_hour", _FirstHour, names.parameters())
        return datetime.fromtimestamp(rows[0].start, UTC) if rows else None

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
            **(await self.aliases.names(site)).parameters(),
            "section": section,
            "since": int(since.timestamp()),
            "until": int(until.timestamp()),
            "step": int(step.total_seconds()),
            "steps": steps,
        }
        return await self.pool.rows("typical", TypicalRow, parameters)
