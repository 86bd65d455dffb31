"""ClickHouse queries of the ranking service; each method runs one file of sql/."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from mostread.core.counting.counters import Grain
from mostread.core.editorial.placements import CLOCK_TOLERANCE_MS, UNFILTERED
from mostread.core.ranking.integrity import VisitorsRow
from mostread.core.ranking.query_plan import QueryPlan, RowWeights
from mostread.core.ranking.trends import MIN_SURPRISE, Usual
from mostread.infra.clickhouse.migrations import applied_migrations, check_applied
from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.aliases import AliasRepository, Members, Sql
from mostread.ranking.config import Weights
from mostread.ranking.counter_rows import weighted_rows
from mostread.ranking.queries import ListQuery

_IDS_PER_QUERY = 400
"""How many ids of maximum length fit into the query size limit of ClickHouse (256 KiB)."""


class Counts(msgspec.Struct, frozen=True):
    """Views, comments and likes. Retractions can make the last two negative."""

    views: int = 0
    comments: int = 0
    likes: int = 0

    def over(self, divisor: int) -> "Counts":
        """Return the counts divided by a number, rounded."""
        return Counts(
            round(self.views / divisor),
            round(self.comments / divisor),
            round(self.likes / divisor),
        )


class RankedRow(Counts, frozen=True, kw_only=True):
    """An article with its counts in a window; `pinned` is the rank it is pinned to.

    `approved` exempts it from quarantine. `base_*` are the inputs of its score (`points`): see
    core/ranking/query_plan.py. In a trending list `ranked` is its surprise, which follows from
    `base_views`, `expected`, `typical` and `exposure*`: see core/ranking/trends.py. In a search,
    the article has the `number` among `others` that are not pinned, and `matches` tells whether it
    is a result; rows that neither match nor are pinned are omitted.
    """

    article_id: str
    pinned: int | None
    approved: bool
    ranked: float
    points: float
    base_views: int
    base_comments: int
    base_likes: int
    expected: float
    typical: float
    exposure: float
    exposure_before: float
    matches: bool
    number: int
    others: int

    @property
    def counts(self) -> Counts:
        return Counts(self.views, self.comments, self.likes)


class ArticleCountsRow(Counts, frozen=True, kw_only=True):
    """Counts of an article under its present id."""

    present_id: str


class SeriesRow(Counts, frozen=True, kw_only=True):
    """Counts of one step of a time series; `start` is in epoch seconds."""

    start: int


class StepRow(msgspec.Struct, frozen=True):
    """Views of an article in the step of this number."""

    present_id: str
    step: int
    views: int


class Metadata(msgspec.Struct, frozen=True):
    """Metadata of an article from the CMS: empty strings are unknown, times in milliseconds."""

    article_id: str
    title: str
    url: str
    section: str
    language: str
    image: str
    authors: list[str]
    tags: list[str]
    hidden: bool
    pinned: int | None
    published_at: int | None
    deleted: bool

    @property
    def published(self) -> datetime | None:
        """The time of publication."""
        milliseconds = self.published_at
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


class EventOutcomes(msgspec.Struct, frozen=True):
    """Event totals: received = counted + duplicate + late + dead_lettered + excluded."""

    received: int
    counted: int
    duplicate: int
    late: int
    dead_lettered: int
    excluded: int


class _Watermark(msgspec.Struct, frozen=True):
    seen: int
    expected: int
    watermark: int


class _Withheld(msgspec.Struct, frozen=True):
    article_id: str


class _EditorialState(msgspec.Struct, frozen=True):
    state: int


class _Undescribed(msgspec.Struct, frozen=True):
    articles: int


@dataclass(frozen=True, slots=True)
class RankingRepository:
    """Read access to the tables in ClickHouse.

    Every method raises ClickHouseUnavailable or Misconfigured.
    """

    pool: QueryPool
    weights: Weights
    aliases: AliasRepository

    async def ranked(
        self,
        query: ListQuery,
        plan: QueryPlan,
        now: datetime,
        *,
        usual: Usual,
        rows: int,
        skip: int,
        min_views: int,
    ) -> list[RankedRow]:
        """Return articles in list order, pinned articles first.

        Returns the pinned articles and at most `rows` others, without the first `skip` rows.
        Articles with fewer than `min_views` in the window must be pinned or approved.
        """
        names = await self.aliases.names(query.site)
        searchable = {"merged": Sql("searchable")} if names.has_aliases and query.words else {}
        return await self.pool.rows(
            "ranked_list",
            RankedRow,
            {
                **weighted_rows(now=plan.counts, base=plan.base),
                "decays": int(query.trending or query.half_life is not None),
                "base_end": int(plan.base_end.timestamp()),
                "above": MIN_SURPRISE if query.trending else 0,
                "typical": usual.typical,
                "activity": list(usual.activity),
                **names.parameters(),
                **searchable,
                "by": query.by,
                **query.filters.parameters(now),
                "pins": int(query.shows_pins),
                "pinned_sections": list(query.section) or [UNFILTERED],
                "pinned_languages": [tag.lower() for tag in query.language] or [UNFILTERED],
                "window": query.window,
                **moment(now),
                "rows": rows,
                "skip": skip,
                "min_views": min_views,
                "undescribed": int(query.undescribed),
                "views_weight": self.weights.views,
                "comments_weight": self.weights.comments,
                "likes_weight": self.weights.likes,
                "words": query.words,
            },
        )

    async def editorial_state(self, site: str, now: datetime) -> int:
        """Return a number that differs once a decision or a CMS changes the lists of a site."""
        names = await self.aliases.names(site)
        parameters = {**names.parameters(), **moment(now)}
        [row] = await self.pool.rows("editorial_state", _EditorialState, parameters)
        return row.state + names.version

    async def undescribed(self, site: str, weights: RowWeights) -> int:
        """Return how many articles with views in a window have never been described."""
        names = await self.aliases.names(site)
        parameters = {**weighted_rows(now=weights), **names.parameters()}
        [row] = await self.pool.rows("undescribed", _Undescribed, parameters)
        return row.articles

    async def window_counts(
        self, site: str, articles: Collection[str], weights: RowWeights
    ) -> Mapping[str, Counts]:
        """Return the counts in a window by article; articles without rows are absent."""
        members = await self.aliases.members(site, articles)
        parameters = {**weighted_rows(now=weights), **members.parameters()}
        rows = await self.pool.rows("window_counts", ArticleCountsRow, parameters)
        return _by_article(rows, members)

    async def withheld(
        self, site: str, articles: Collection[str], now: datetime, *, unlisted: bool
    ) -> set[str]:
        """Return which of these articles are under embargo, scheduled or deleted.

        With `unlisted`, also those that are hidden or expired: all that no list contains.
        """
        if not articles:
            return set()
        members = await self.aliases.members(site, articles)
        parameters = {**members.names.parameters(), "articles": members.present, **moment(now)}
        parameters["unlisted"] = int(unlisted)
        rows = await self.pool.rows("withheld", _Withheld, parameters)
        withheld = {row.article_id for row in rows}
        return {article_id for article_id in articles if members.of(article_id) in withheld}

    async def timeseries(
        self, site: str, article_id: str, grain: Grain, start: datetime, end: datetime
    ) -> list[SeriesRow]:
        """Return the counter rows of one article and grain, ordered by time."""
        members = await self.aliases.members(site, [article_id])
        parameters = {**members.parameters(), "grain": grain, **_range(start, end)}
        return await self.pool.rows("timeseries", SeriesRow, parameters)

    async def views_by_step(
        self,
        site: str,
        articles: Collection[str],
        start: datetime,
        end: datetime,
        *,
        step: timedelta,
    ) -> list[StepRow]:
        """Return the views of articles in steps of whole hours, in no particular order."""
        members = await self.aliases.members(site, articles)
        parameters = {**members.parameters(), **_range(start, end)}
        parameters["seconds"] = int(step.total_seconds())
        return await self.pool.rows("views_by_step", StepRow, parameters)

    async def visitors(
        self, site: str, articles: Collection[str], start: datetime, end: datetime
    ) -> Mapping[str, VisitorsRow]:
        """Return visitor statistics over whole hours, by article; without data it is absent."""
        ids = list(articles)
        chunks = [ids[n : n + _IDS_PER_QUERY] for n in range(0, len(ids), _IDS_PER_QUERY)]

        async def read(chunk: list[str]) -> list[VisitorsRow]:
            members = await self.aliases.members(site, chunk)
            parameters = {**members.parameters(), **_range(start, end)}
            return await self.pool.rows("visitor_sketches", VisitorsRow, parameters)

        results = await asyncio.gather(*map(read, chunks))
        return {row.present_id: row for rows in results for row in rows}

    async def totals(self, site: str, articles: Collection[str]) -> Mapping[str, Counts]:
        """Return lifetime counts by article; articles never counted are absent."""
        if not articles:
            return {}
        members = await self.aliases.members(site, articles)
        rows = await self.pool.rows("lifetime_totals", ArticleCountsRow, members.parameters())
        return _by_article(rows, members)

    async def metadata(
        self, site: str, articles: Collection[str], *, deleted: bool = False
    ) -> Mapping[str, Metadata]:
        """Return CMS metadata by article, without unknown and, unless `deleted`, deleted ones."""
        if not articles:
            return {}
        parameters = {**(await self.aliases.names(site)).parameters(), "articles": tuple(articles)}
        rows = await self.pool.rows("articles", Metadata, parameters)
        return {row.article_id: row for row in rows if deleted or not row.deleted}

    async def watermark(self) -> datetime | None:
        """Return the time up to which every event is counted, None if it is unknown.

        It is unknown until every partition of the topic has a checkpoint.
        """
        [row] = await self.pool.rows("watermark", _Watermark, {})
        if not row.seen or row.seen < row.expected:
            return None
        return datetime.fromtimestamp(row.watermark / 1000, UTC)

    async def check_migrations(self) -> None:
        """Raise Misconfigured or SchemaTooNew unless the schema is that of this version."""
        check_applied(await self.pool.run("applied_migrations", applied_migrations))

    async def event_outcomes(self) -> EventOutcomes:
        """Return the number of events by outcome, over all topics."""
        [outcomes] = await self.pool.rows("event_outcomes", EventOutcomes, {})
        return outcomes


def _by_article(rows: Iterable[ArticleCountsRow], members: Members) -> Mapping[str, Counts]:
    """Return counts by the ids that were asked for, present or former."""
    return members.by_requested(
        {row.present_id: Counts(row.views, row.comments, row.likes) for row in rows}
    )


def moment(now: datetime) -> dict[str, int]:
    """Return the parameters of the SQL files that decide what is withheld at `now`."""
    at = _milliseconds(now)
    return {"at": at, "latest": at + CLOCK_TOLERANCE_MS}


def _milliseconds(timestamp: datetime) -> int:
    return int(timestamp.timestamp() * 1000)


def _range(start: datetime, end: datetime) -> dict[str, int]:
    return {"start": int(start.timestamp()), "end": int(end.timestamp())}
