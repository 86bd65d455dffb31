"""Compute article details: metadata, standing, lifetime and window counts, integrity."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mostread.core.editorial.placements import Standing, in_force, standing
from mostread.core.ranking.integrity import Integrity, IntegrityPolicy, visitor_hours
from mostread.core.ranking.query_plan import row_weights
from mostread.core.ranking.windows import resolve
from mostread.ranking.decisions_repository import DecisionRepository, DecisionRow
from mostread.ranking.queries import ArticleQuery
from mostread.ranking.repository import Counts, Metadata, RankingRepository
from mostread.ranking.service.lists import is_stale

WINDOWS = ("1h", "24h", "7d")
INTEGRITY_WINDOW = "24h"
"""The window whose visitors are examined."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ArticleDetails:
    """An article as computed at one moment; `decision` is the decision in force.

    `query` has its present id, even if it was asked for by another; `former` are the others.
    `metadata` is None if nothing described the article, or the CMS deleted it.
    """

    query: ArticleQuery
    former: tuple[str, ...]
    as_of: datetime | None
    stale: bool
    metadata: Metadata | None
    total: Counts | None
    windows: Mapping[str, Counts]
    integrity: Integrity | None
    decision: DecisionRow | None
    standing: Standing

    @property
    def known(self) -> bool:
        """Whether the article has or had metadata, or has counts or a decision."""
        traces = (self.metadata, self.total, self.decision, self.standing.withheld)
        return any(each is not None for each in traces)

    @property
    def public(self) -> bool:
        """Whether anybody may know the article."""
        return self.known and self.standing.withheld is None


@dataclass(frozen=True, slots=True)
class ArticleService:
    """Computes article details. `clock` is in milliseconds since the epoch."""

    repository: RankingRepository
    decisions: DecisionRepository
    clock: Callable[[], int]
    stale_after: timedelta
    policy: IntegrityPolicy

    async def compute(self, query: ArticleQuery) -> ArticleDetails:
        """Compute one article. Raises ClickHouseUnavailable or Misconfigured."""
        now_ms = self.clock()
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        site, article_id, former = await self.repository.aliases.article(*query)
        as_of = await self.repository.watermark()
        hours = visitor_hours(resolve(INTEGRITY_WINDOW, now), now)
        (metadata, totals, decisions, visitors), counts = await asyncio.gather(
            asyncio.gather(
                self.repository.metadata(site, [article_id], deleted=True),
                self.repository.totals(site, [article_id]),
                self.decisions.log(site, article_id, rows=1),
                self.repository.visitors(site, [article_id], *hours),
            ),
            asyncio.gather(
                *(
                    self.repository.window_counts(
                        site, [article_id], row_weights(resolve(name, now), now)
                    )
                    for name in WINDOWS
                )
            ),
        )
        described = metadata.get(article_id)
        latest = decisions[0] if decisions else None
        windows = {
            name: by_article.get(article_id, Counts())
            for name, by_article in zip(WINDOWS, counts, strict=True)
        }
        stands = standing(described, latest, now_ms)
        decision = latest.at(now_ms) if latest and in_force(latest, now_ms) else None
        return ArticleDetails(
            query=ArticleQuery(site, article_id),
            former=former,
            as_of=as_of,
            stale=is_stale(as_of, now, self.stale_after),
            metadata=described if described and not described.deleted else None,
            total=totals.get(article_id),
            windows=windows,
            integrity=self.policy.assess(
                visitors.get(article_id),
                windows[INTEGRITY_WINDOW].views,
                approved=bool(decision and decision.approved),
                pinned=stands.pinned is not None,
            ),
            decision=decision,
            standing=stands,
        )
