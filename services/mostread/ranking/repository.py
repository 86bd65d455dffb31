"""What the ranking service asks ClickHouse; each method runs the query of its own name."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from mostread.core.counting.counters import Grain
from mostread.core.ranking.buckets import Weighing
from mostread.core.ranking.integrity import VisitorsRow
from mostread.core.ranking.query_plan import Plan
from mostread.infra.clickhouse.migrations import applied_migrations, check_applied
from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.api.params import ListQuery
from mostread.ranking.config import Weights

NEWEST = 2**64 - 1
"""Beyond every version."""

_IDS_A_QUERY = 400
"""So many of the longest ids fit into what ClickHouse takes as one query (256 KiB)."""


class Counts(msgspec.Struct, frozen=True):
    """Views, comments and likes. What was taken back can make the last two negative."""

    views: int = 0
    comments: int = 0
    likes: int = 0


class RankedRow(Counts, frozen=True, kw_only=True):
    """An article with its counts in a window; `pinned` is the rank an editor gave it.

    An editor has `approved` it of what its visitors look like. `base_*`, `hours` and `expected`
    are what its `points` or its trend (`ranked`) are made of: see engagement/score.py. Where
    something is searched for, it is the one of `number` among `others` that are not pinned, and
    `found` or not; one that is neither found nor pinned is no row.
    """

    article_id: str
    pinned: int | None
    approved: bool
    ranked: float
    points: float
    base_views: int
    base_comments: int
    base_likes: int
    hours: float
    expected: float
    found: bool
    number: int
    others: int

    @property
    def counts(self) -> Counts:
        return Counts(self.views, self.comments, self.likes)


class TotalsRow(Counts, frozen=True, kw_only=True):
    article_id: str


class SeriesRow(Counts, frozen=True, kw_only=True):
    """The counts of a window; `start` is in epoch seconds."""

    start: int


class HourRow(msgspec.Struct, frozen=True):
    """The views of an article in an hour; `start` is in epoch seconds."""

    article_id: str
    start: int
    views: int


class RanksRow(msgspec.Struct, frozen=True):
    """The ranks of an article hour by hour, 0 where it had none."""

    article_id: str
    ranks: list[int]


class Description(msgspec.Struct, frozen=True):
    """What the CMS said about an article; empty where it said nothing, times in milliseconds."""

    article_id: str
    title: str
    url: str
    section: str
    language: str
    image: str
    hidden: bool
    pinned: int | None
    published_at: int | None


class DecisionRow(msgspec.Struct, frozen=True):
    """What an editor decided: None where nothing was said, times in milliseconds."""

    version: int
    decided_at: int
    by: str
    reason: str
    undoes: int | None
    hidden: bool | None
    pinned: int | None
    embargo_until: int | None
    expires_at: int | None
    approved: bool | None
    until: int | None


class OfferedRow(msgspec.Struct, frozen=True):
    """Something that lists can be limited to: a `name` of a site, section or language."""

    kind: str
    name: str


class Accounts(msgspec.Struct, frozen=True):
    """What became of all events: received = counted + duplicate + late + dead_lettered."""

    received: int
    counted: int
    duplicate: int
    late: int
    dead_lettered: int


class _Progress(msgspec.Struct, frozen=True):
    seen: int
    expected: int
    watermark: int


class _Typical(msgspec.Struct, frozen=True):
    typical: float


@dataclass(frozen=True, slots=True)
class Store:
    """The tables of ClickHouse as the ranking sees them.

    Every method raises ClickHouseUnavailable or Misconfigured.
    """

    reads: QueryPool
    weights: Weights

    async def ranked(
        self,
        query: ListQuery,
        plan: Plan,
        now: datetime,
        *,
        typical: float,
        rows: int,
        skip: int,
        least_views: int,
    ) -> list[RankedRow]:
        """Return a stretch of the list in its order, pinned articles before all others.

        An article with fewer than `least_views` in the window must be pinned or approved.
        The list is its pinned articles and `rows` others at most, without the first `skip`.
        """
        since = now - query.published_within if query.published_within else None
        return await self.reads.rows(
            "ranked_list",
            RankedRow,
            {
                **_buckets(now=plan.counts, base=plan.base),
                "base_end": int(plan.base_end.timestamp()),
                "typical": typical,
                "site": query.site,
                "by": query.by,
                "section": query.section or "",
                "language": (query.language or "").lower(),
                "moment": int(now.timestamp() * 1000),
                "published_since": int(since.timestamp() * 1000) if since else 0,
                "rows": rows,
                "skip": skip,
                "least_views": least_views,
                "views_weight": self.weights.views,
                "comments_weight": self.weights.comments,
                "likes_weight": self.weights.likes,
                "words": query.words,
            },
        )

    async def typical(self, site: str, past: Weighing, hours: float) -> float:
        """Return what the article that an average view of the past went to was read in an hour."""
        parameters = {**_buckets(base=past), "site": site, "hours": hours}
        [found] = await self.reads.rows("site_baseline", _Typical, parameters)
        return found.typical

    async def in_window(self, site: str, article_id: str, counted: Weighing) -> Counts:
        """Return what one article was given in a window."""
        parameters = {**_buckets(now=counted), "site": site, "article": article_id}
        [counts] = await self.reads.rows("window_counts", Counts, parameters)
        return counts

    async def series(
        self, site: str, article_id: str, grain: Grain, start: datetime, end: datetime
    ) -> list[SeriesRow]:
        """Return the rows of one article and grain, in the order of time."""
        return await self.reads.rows(
            "timeseries",
            SeriesRow,
            {
                "site": site,
                "article": article_id,
                "grain": grain,
                "start": int(start.timestamp()),
                "end": int(end.timestamp()),
            },
        )

    async def views_by_hour(
        self, site: str, articles: Collection[str], start: datetime, end: datetime
    ) -> list[HourRow]:
        """Return the views of some articles by hour, in no order."""
        return await self.reads.rows(
            "hourly_views",
            HourRow,
            {
                "site": site,
                "articles": tuple(articles),
                "start": int(start.timestamp()),
                "end": int(end.timestamp()),
            },
        )

    async def visitors(
        self, site: str, articles: Collection[str], start: datetime, end: datetime
    ) -> Mapping[str, VisitorsRow]:
        """Return who viewed articles in whole hours, by article; those not watched are absent."""
        ids = list(articles)
        parts = [ids[n : n + _IDS_A_QUERY] for n in range(0, len(ids), _IDS_A_QUERY)]
        found = await asyncio.gather(
            *(
                self.reads.rows(
                    "visitor_sketches",
                    VisitorsRow,
                    {
                        "site": site,
                        "articles": tuple(part),
                        "start": int(start.timestamp()),
                        "end": int(end.timestamp()),
                    },
                )
                for part in parts
            )
        )
        return {row.article_id: row for rows in found for row in rows}

    async def ranks(
        self, site: str, start: datetime, *, hours: int, length: int, ranks: int
    ) -> Mapping[str, list[int]]:
        """Return at which of the first `ranks` places articles stood, 0 where at none of them.

        There is one for each of `hours` moments, an hour apart; the first is `length` hours after
        `start`, and each is about the views of so many hours before it.
        """
        parameters = {"site": site, "start": int(start.timestamp())}
        parameters |= {"hours": hours, "length": length, "ranks": ranks}
        rows = await self.reads.rows("rank_history", RanksRow, parameters)
        return {row.article_id: row.ranks for row in rows}

    async def totals(self, site: str, articles: Collection[str]) -> Mapping[str, Counts]:
        """Return lifetime counts by article; those never counted are absent."""
        parameters = {"site": site, "articles": tuple(articles)}
        rows = await self.reads.rows("lifetime_totals", TotalsRow, parameters) if articles else []
        return {row.article_id: Counts(row.views, row.comments, row.likes) for row in rows}

    async def described(self, site: str, articles: Collection[str]) -> Mapping[str, Description]:
        """Return what the CMS said, by article; the unknown and the deleted are absent."""
        parameters = {"site": site, "articles": tuple(articles)}
        rows = await self.reads.rows("articles", Description, parameters) if articles else []
        return {row.article_id: row for row in rows}

    async def decisions(
        self, site: str, article_id: str, *, rows: int, before: int = NEWEST
    ) -> list[DecisionRow]:
        """Return what was decided about one article, the newest first, up to a version."""
        parameters = {"site": site, "article": article_id, "rows": rows, "before": before}
        return await self.reads.rows("placement_log", DecisionRow, parameters)

    async def offered(self, site: str) -> list[OfferedRow]:
        """Return what lists of a site can be limited to, and all sites, in the order to show."""
        return await self.reads.rows("facets", OfferedRow, {"site": site})

    async def counted_until(self) -> datetime | None:
        """Return the time up to which every event is counted, None where that is not known.

        It is not known before every partition of the topic has said how far it is.
        """
        [progress] = await self.reads.rows("watermark", _Progress, {})
        if not progress.seen or progress.seen < progress.expected:
            return None
        return datetime.fromtimestamp(progress.watermark / 1000, UTC)

    async def check_applied(self) -> None:
        """Raise Misconfigured or SchemaTooNew where the tables are not those of this version."""
        check_applied(await self.reads.run("applied_migrations", applied_migrations))

    async def accounts(self) -> Accounts:
        """Return what became of all events."""
        [accounts] = await self.reads.rows("event_outcomes", Accounts, {})
        return accounts


# The numbers of the grains in the table, see schemas/clickhouse.
_GRAINS: Mapping[Grain, int] = {"minute": 1, "hour": 2, "total": 3}


def _buckets(**weighings: Weighing) -> dict[str, Any]:
    buckets = list(dict.fromkeys(bucket for each in weighings.values() for bucket in each))
    return {
        "buckets": [bucket.start * 4 + _GRAINS[bucket.grain] for bucket in buckets],
        "windows": tuple((bucket.grain, bucket.start) for bucket in buckets),
        **{name: [each.get(bucket, 0) for bucket in buckets] for name, each in weighings.items()},
    }
