"""One article: what was said of it, where it stands, its lifetime counts and those of windows."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mostread.core.editorial.placements import Standing, in_force, standing
from mostread.core.ranking.buckets import weighing
from mostread.core.ranking.integrity import Integrity, Rules, hours_of
from mostread.core.ranking.windows import named
from mostread.ranking.repository import Counts, DecisionRow, Description, Store
from mostread.ranking.service.lists import is_stale

WINDOWS = ("1h", "24h", "7d")
WATCHED = "24h"
"""The window in which an article's visitors are looked at."""


class ArticleQuery(NamedTuple):
    """Which article is asked for."""

    site: str
    article_id: str


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it stood when it was computed; `decided` is what of editors' decisions holds.

    One of which none of `about`, `total` and `decided` is known is no article.
    """

    query: ArticleQuery
    as_of: datetime | None
    stale: bool
    about: Description | None
    total: Counts | None
    windows: Mapping[str, Counts]
    integrity: Integrity | None
    decided: DecisionRow | None
    standing: Standing

    @property
    def known(self) -> bool:
        return not (self.about is None and self.total is None and self.decided is None)


@dataclass(frozen=True, slots=True)
class Articles:
    """Computes articles. `clock` is in milliseconds since the epoch."""

    store: Store
    clock: Callable[[], int]
    stale_after: timedelta
    rules: Rules

    async def compute(self, query: ArticleQuery) -> Article:
        """Raise ClickHouseUnavailable or Misconfigured where it cannot be computed."""
        now_ms = self.clock()
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        site, article_id = query
        as_of = await self.store.counted_until()
        day = named(WATCHED, now)
        (described, totals, decisions, visitors), counts = await asyncio.gather(
            asyncio.gather(
                self.store.described(site, [article_id]),
                self.store.totals(site, [article_id]),
                self.store.decisions(site, article_id, rows=1),
                self.store.visitors(site, [article_id], *hours_of(day, now)),
            ),
            asyncio.gather(
                *(
                    self.store.in_window(site, article_id, weighing(named(name, now), now))
                    for name in WINDOWS
                )
            ),
        )
        about = described.get(article_id)
        decided = decisions[0] if decisions else None
        by_cms = Standing(about.hidden, about.pinned) if about else Standing(False, None)
        windows = dict(zip(WINDOWS, counts, strict=True))
        stands = standing(by_cms, decided, now_ms)
        holds = decided if decided and in_force(decided, now_ms) else None
        return Article(
            query=query,
            as_of=as_of,
            stale=is_stale(as_of, now, self.stale_after),
            about=about,
            total=totals.get(article_id),
            windows=windows,
            integrity=self.rules.integrity(
                visitors.get(article_id),
                windows[WATCHED].views,
                approved=bool(holds and holds.approved),
                pinned=stands.pinned is not None,
            ),
            decided=holds,
            standing=stands,
        )
