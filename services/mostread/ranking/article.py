"""One article: what the CMS said of it, its lifetime counts, and its counts in a few windows."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mostread.engagement.buckets import weighing
from mostread.engagement.window import named
from mostread.ranking.most_read import is_stale
from mostread.ranking.store import Counts, Description, Store

WINDOWS = ("1h", "24h", "7d")


class ArticleQuery(NamedTuple):
    """Which article is asked for."""

    site: str
    article_id: str


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it stood when it was computed; unknown without `about` and `total`."""

    query: ArticleQuery
    as_of: datetime | None
    stale: bool
    about: Description | None
    total: Counts | None
    windows: Mapping[str, Counts]

    @property
    def known(self) -> bool:
        return self.about is not None or self.total is not None


@dataclass(frozen=True, slots=True)
class Articles:
    """Computes articles. `clock` is in milliseconds since the epoch."""

    store: Store
    clock: Callable[[], int]
    stale_after: timedelta

    async def compute(self, query: ArticleQuery) -> Article:
        """Raise ClickHouseUnavailable or Misconfigured where it cannot be computed."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        site, article_id = query
        as_of = await self.store.counted_until()
        (described, totals), counts = await asyncio.gather(
            asyncio.gather(
                self.store.described(site, [article_id]),
                self.store.totals(site, [article_id]),
            ),
            asyncio.gather(
                *(
                    self.store.in_window(site, article_id, weighing(named(name, now), now))
                    for name in WINDOWS
                )
            ),
        )
        return Article(
            query=query,
            as_of=as_of,
            stale=is_stale(as_of, now, self.stale_after),
            about=described.get(article_id),
            total=totals.get(article_id),
            windows=dict(zip(WINDOWS, counts, strict=True)),
        )
