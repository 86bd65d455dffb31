"""Read former ids of articles and former names of sites as the present ones.

Counts, descriptions and decisions stay under the names that they came with. The aggregators keep
in ClickHouse what each former name finally stands for; queries about a site that has no aliases
are the same as without this module.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import msgspec
from clickhouse_connect.driver.binding import format_query_value, format_str

from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.cache.cache import REVALIDATE_SECONDS, TTL_SECONDS, Cache

T = TypeVar("T")

_ALIASES = """(
    SELECT article_id, canonical_id FROM canonical_id_versions FINAL
    WHERE site = {site} AND article_id != '' AND canonical_id != ''
)"""
_MEMBERS = "(SELECT arrayJoin({present}) UNION ALL SELECT article_id FROM {aliases})"
_PRESENT_ID = """transform(
    found.article_id,
    (SELECT (groupArray(article_id), groupArray(canonical_id)) FROM {aliases}).1,
    (SELECT (groupArray(article_id), groupArray(canonical_id)) FROM {aliases}).2,
    found.article_id
)"""
_NO_ALIASES = "(SELECT '' AS article_id, '' AS canonical_id WHERE false)"
_OF_SITES = "(SELECT article_id FROM {table} WHERE site IN ({sites}))"
_NOT_AMONG = "article_id NOT IN (SELECT article_id FROM {ids})"


@dataclass(frozen=True, slots=True)
class Sql:
    """A part of a query, which the driver writes into it as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


class SiteNames(NamedTuple):
    """The present name of a site, and the former ones, the latest first.

    `version` differs once its aliases do.
    """

    site: str
    former: tuple[str, ...] = ()
    has_aliases: bool = False
    version: int = 0

    def parameters(self) -> dict[str, object]:
        """Return the parameters of the SQL files that read a site.

        `in_site` selects counters. `in_articles` and `in_placements` select one row per article,
        that of its site's present name if there are several. `aliases` is a table of the former
        ids, `canonical` selects the others, and `merged` and `ids` name the parts of a query that
        add the former ids to the counts, or to the ids of articles, if the site has any.
        """
        aliases = _NO_ALIASES
        if self.has_aliases:
            aliases = _ALIASES.format(site=format_str(self.site))
        return {
            "site": self.site,
            "in_site": self._in_site,
            "in_articles": self._one_each("article_versions"),
            "in_placements": self._one_each("placement_versions"),
            "aliases": Sql(aliases),
            "merged": Sql("merged" if self.has_aliases else "counted"),
            "ids": Sql("with_aliases" if self.has_aliases else "own"),
            "canonical": Sql(_NOT_AMONG.format(ids=aliases) if self.has_aliases else "true"),
        }

    @property
    def _in_site(self) -> Sql:
        if not self.former:
            return Sql(f"site = {format_str(self.site)}")
        return Sql(f"site IN ({', '.join(map(format_str, (self.site, *self.former)))})")

    def _one_each(self, table: str) -> Sql:
        names = [format_str(name) for name in (self.site, *self.former)]
        conditions = [f"site = {names[0]}"]
        for position, name in enumerate(names[1:], 1):
            later = _OF_SITES.format(table=table, sites=", ".join(names[:position]))
            conditions.append(f"site = {name} AND {_NOT_AMONG.format(ids=later)}")
        return Sql(f"({' OR '.join(conditions)})" if self.former else conditions[0])


@dataclass(frozen=True, slots=True)
class Members:
    """Articles of a site, asked for by any of their ids."""

    names: SiteNames
    requested: Collection[str]
    canonical: Mapping[str, str] = field(default_factory=dict)
    """The present id of each former one that was asked for."""

    def of(self, article_id: str) -> str:
        """Return the present id of an article."""
        return self.canonical.get(article_id, article_id)

    def by_requested(self, present: Mapping[str, T]) -> dict[str, T]:
        """Return what is known of articles by the ids that were asked for."""
        return {each: present[self.of(each)] for each in self.requested if self.of(each) in present}

    @property
    def present(self) -> tuple[str, ...]:
        """The present ids of the articles."""
        return tuple({self.of(article_id): None for article_id in self.requested})

    def parameters(self) -> dict[str, object]:
        """Return the parameters of the SQL files that read counts of articles.

        `articles` are all ids of the articles, `present_id` is the present one of a row.
        """
        parameters = self.names.parameters()
        if not self.names.has_aliases:
            return {**parameters, "articles": self.present, "present_id": Sql("found.article_id")}
        theirs = f"{parameters['aliases']} WHERE canonical_id IN {format_query_value(self.present)}"
        present = format_query_value(list(self.present))
        return {
            **parameters,
            "articles": Sql(_MEMBERS.format(present=present, aliases=theirs)),
            "present_id": Sql(_PRESENT_ID.format(aliases=theirs)),
        }


class ArticleNames(NamedTuple):
    """The present site and id of an article, and its former ids, at most 100."""

    site: str
    article_id: str
    former: tuple[str, ...]


class _SiteAliases(msgspec.Struct, frozen=True):
    site: str
    renamed_to: str
    aliases: int
    latest: int


class _Alias(msgspec.Struct, frozen=True):
    article_id: str
    canonical_id: str


class AliasRepository:
    """Read access to aliases. Every method raises ClickHouseUnavailable or Misconfigured."""

    def __init__(self, pool: QueryPool) -> None:
        self._pool = pool
        self._sites = Cache(
            self._load_sites,
            capacity=1,
            ttl=TTL_SECONDS,
            revalidate=REVALIDATE_SECONDS,
            mark_stale=lambda sites: sites,
        )

    async def names(self, site: str) -> SiteNames:
        """Return the names of a site, given by any of them."""
        return (await self._sites.get(None)).get(site, SiteNames(site))

    async def members(self, site: str, articles: Collection[str]) -> Members:
        """Return the ids of articles that are given by any of them."""
        names = await self.names(site)
        if not names.has_aliases or not articles:
            return Members(names, articles)
        parameters = {**names.parameters(), "articles": tuple(articles)}
        rows = await self._pool.rows("aliases", _Alias, parameters)
        return Members(names, articles, {row.article_id: row.canonical_id for row in rows})

    async def article(self, site: str, article_id: str) -> ArticleNames:
        """Return the names of an article, given by any of its ids."""
        members = await self.members(site, [article_id])
        names, present_id = members.names, members.of(article_id)
        former: list[_Alias] = []
        if names.has_aliases:
            parameters = {**names.parameters(), "article": present_id}
            former = await self._pool.rows("former_ids", _Alias, parameters)
        return ArticleNames(names.site, present_id, tuple(row.article_id for row in former))

    async def _load_sites(self, _: None) -> Mapping[str, SiteNames]:
        rows = {row.site: row for row in await self._pool.rows("alias_sites", _SiteAliases, {})}
        former: dict[str, list[_SiteAliases]] = {}
        for row in rows.values():
            if row.renamed_to:
                former.setdefault(row.renamed_to, []).append(row)
        names = {}
        for site in rows.keys() | former.keys():
            own, earlier = rows.get(site), former.get(site, [])
            if own is None or not own.renamed_to:
                names[site] = SiteNames(
                    site,
                    tuple(row.site for row in sorted(earlier, key=lambda row: -row.latest)),
                    bool(own and own.aliases),
                    max(row.latest for row in (own, *earlier) if row),
                )
        return names | {old.site: names[site] for site, olds in former.items() for old in olds}
