"""ClickHouse queries of editors' decisions; each method runs one file of sql/."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from mostread.core.editorial.placements import has_ended, pin_has_ended
from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.aliases import AliasRepository
from mostread.ranking.queries import NEWEST_VERSION, DecisionKind, DecisionsQuery


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
        ended = {"hidden": None, "until": None}
        if pin_has_ended(self, now):
            ended |= {"pinned": None, "approved": None}
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


class ExclusionRow(msgspec.Struct, frozen=True):
    """The addition or removal of an exclusion, without its visitor; times in milliseconds.

    It is in effect once `applied_at` is set.
    """

    id: str
    action: Literal["add", "remove"]
    whole_site: bool
    one_visitor: bool
    start: int
    end: int
    by: str
    reason: str
    recorded_at: int
    applied_at: int | None


class _Version(msgspec.Struct, frozen=True):
    version: int


class PlacedRow(DecisionRow, frozen=True, kw_only=True):
    """An article that is not where its numbers put it, with the decision about it.

    `kinds` is what is in force, and `from_cms` those of them that the CMS decides. Without an
    editor's decision the version is 0. `in_force` are the numbers of articles of each kind at the
    site, or among the results of the search.
    """

    article_id: str
    title: str
    url: str
    section: str
    language: str
    described: bool
    kinds: list[DecisionKind]
    from_cms: list[DecisionKind]
    cms_pinned: int | None
    in_force: list[int]

    @property
    def rank(self) -> int | None:
        """The rank the article is pinned to."""
        return (self.cms_pinned if self.pinned is None else self.pinned) or None


@dataclass(frozen=True, slots=True)
class DecisionRepository:
    """Read access to decisions. Every method raises ClickHouseUnavailable or Misconfigured."""

    pool: QueryPool
    aliases: AliasRepository

    async def log(
        self, site: str, article_id: str, *, rows: int, before: int = NEWEST_VERSION
    ) -> list[DecisionRow]:
        """Return the decisions about one article below version `before`, newest first."""
        parameters = (await self.aliases.names(site)).parameters()
        parameters |= {"article": article_id, "rows": rows, "before": before}
        return await self.pool.rows("placement_log", DecisionRow, parameters)

    async def exclusions(self, site: str, article_id: str) -> list[ExclusionRow]:
        """Return the latest 100 exclusions and removals that affect an article, newest first."""
        names = await self.aliases.names(site)
        article = await self.aliases.article(site, article_id)
        ids = ("", article.article_id, *article.former)  # the first stands for the whole site
        parameters = {**names.parameters(), "articles": ids}
        return await self.pool.rows("article_exclusions", ExclusionRow, parameters)

    async def placed_version(self, site: str, article_id: str) -> int:
        """Return the version of the decision that lists reflect for an article, 0 without any.

        The log contains it, and may already contain later ones.
        """
        names = await self.aliases.names(site)
        parameters = {**names.parameters(), "article": article_id}
        [row] = await self.pool.rows("placed_version", _Version, parameters)
        return row.version

    async def in_force(self, query: DecisionsQuery, now: int) -> list[PlacedRow]:
        """Return a page of what is decided at a site at `now` (ms), the latest first."""
        names = await self.aliases.names(query.site)
        return await self.pool.rows(
            "decisions",
            PlacedRow,
            {
                **names.parameters(),
                "at": now,
                "kinds": list(query.kind),
                "words": (query.q or "").split(),
                "rows": query.limit,
                "skip": query.offset,
            },
        )
