"""What the ranking service asks ClickHouse; each method runs the query of its own name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from mostread.engagement.spans import Spans
from mostread.ranking.parameters import ListQuery
from mostread.ranking.reads import Reads
from mostread.ranking.settings import Weights


class Counts(msgspec.Struct, frozen=True):
    """Views, comments and likes. What was taken back can make the last two negative."""

    views: int = 0
    comments: int = 0
    likes: int = 0


class RankedRow(Counts, frozen=True, kw_only=True):
    """An article with its counts in a window; `pinned` is the rank an editor gave it."""

    article_id: str
    score: float
    pinned: int | None

    @property
    def counts(self) -> Counts:
        return Counts(self.views, self.comments, self.likes)


class TotalsRow(Counts, frozen=True, kw_only=True):
    article_id: str


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


class _Progress(msgspec.Struct, frozen=True):
    seen: int
    expected: int
    as_of: int


class _Version(msgspec.Struct, frozen=True):
    version: int


@dataclass(frozen=True, slots=True)
class Store:
    """The tables of ClickHouse as the ranking sees them.

    Every method raises ClickHouseUnavailable or Misconfigured.
    """

    reads: Reads
    weights: Weights

    async def ranked(self, query: ListQuery, window: Spans, now: datetime) -> list[RankedRow]:
        """Return the head of the list: the pinned articles, then as many others as it can need."""
        since = now - query.published_within if query.published_within else None
        return await self.reads.rows(
            "ranked",
            RankedRow,
            {
                **_bounds(window),
                "site": query.site,
                "by": query.by,
                "section": query.section or "",
                "language": (query.language or "").lower(),
                "published_since": int(since.timestamp() * 1000) if since else 0,
                "rows": query.offset + query.limit,
                "views_weight": self.weights.views,
                "comments_weight": self.weights.comments,
                "likes_weight": self.weights.likes,
            },
        )

    async def in_window(self, site: str, article_id: str, window: Spans) -> Counts:
        """Return what one article was given in a window."""
        parameters = {**_bounds(window), "site": site, "article": article_id}
        [counts] = await self.reads.rows("in_window", Counts, parameters)
        return counts

    async def totals(self, site: str, articles: Collection[str]) -> Mapping[str, Counts]:
        """Return lifetime counts by article; those never counted are absent."""
        parameters = {"site": site, "articles": tuple(articles)}
        rows = await self.reads.rows("totals", TotalsRow, parameters) if articles else []
        return {row.article_id: Counts(row.views, row.comments, row.likes) for row in rows}

    async def described(self, site: str, articles: Collection[str]) -> Mapping[str, Description]:
        """Return what the CMS said, by article; the unknown and the deleted are absent."""
        parameters = {"site": site, "articles": tuple(articles)}
        rows = await self.reads.rows("described", Description, parameters) if articles else []
        return {row.article_id: row for row in rows}

    async def counted_until(self) -> datetime | None:
        """Return the time up to which every event is counted, None where that is not known.

        It is not known before every partition of the topic has said how far it is.
        """
        [progress] = await self.reads.rows("counted_until", _Progress, {})
        if not progress.seen or progress.seen < progress.expected:
            return None
        return datetime.fromtimestamp(progress.as_of / 1000, UTC)

    async def schema_version(self) -> int:
        """Return the number of the last migration that was applied."""
        [row] = await self.reads.rows("schema_version", _Version, {})
        return row.version


def _bounds(window: Spans) -> dict[str, Any]:
    bounds: dict[str, Any] = {"whole_grain": window.whole.grain}
    for part, span in zip(window._fields, window, strict=True):
        bounds[f"{part}_start"] = int(span.start.timestamp())
        bounds[f"{part}_end"] = int(span.end.timestamp())
        bounds[f"{part}_sign"] = span.sign
    return bounds
