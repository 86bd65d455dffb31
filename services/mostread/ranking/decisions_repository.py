"""ClickHouse queries of editors' decisions; each method runs one file of sql/."""

from dataclasses import dataclass

import msgspec

from mostread.core.editorial.placements import has_ended
from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.queries import NEWEST_VERSION


class DecisionRow(msgspec.Struct, frozen=True):
    """An editor's decision: None follows the CMS, times in milliseconds."""

    version: int
    decided_at: int
    by: str
    reason: str
    undoes: int | None
    hidden: bool | None
    pinned: int | None
    pinned_sections: list[str]
    pinned_languages: list[str]
    pinned_windows: list[str]
    embargo_until: int | None
    expires_at: int | None
    approved: bool | None
    until: int | None

    def at(self, now: int) -> "DecisionRow":
        """Return the decision without what `until` has ended at `now` (ms)."""
        if not has_ended(self, now):
            return self
        ended = {"hidden": None, "pinned": None, "approved": None, "until": None}
        return msgspec.structs.replace(self, **ended)

    @property
    def pinned_in(self) -> dict[str, list[str]] | None:
        """The lists in which the pin holds, as an editor sends them; None stands for all."""
        lists = {
            "sections": self.pinned_sections,
            "languages": self.pinned_languages,
            "windows": self.pinned_windows,
        }
        return {name: values for name, values in lists.items() if values} or None


@dataclass(frozen=True, slots=True)
class DecisionRepository:
    """Read access to decisions. Every method raises ClickHouseUnavailable or Misconfigured."""

    pool: QueryPool

    async def log(
        self, site: str, article_id: str, *, rows: int, before: int = NEWEST_VERSION
    ) -> list[DecisionRow]:
        """Return the decisions about one article below version `before`, newest first."""
        parameters = {"site": site, "article": article_id, "rows": rows, "before": before}
        return await self.pool.rows("placement_log", DecisionRow, parameters)
