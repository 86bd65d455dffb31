"""Compare an article with the typical article of its section at the same age."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.windows import HOUR
from mostread.ranking.cache.cache import Cache
from mostread.ranking.repository import Metadata
from mostread.ranking.service.article_chart import ArticleChartService
from mostread.ranking.typical_repository import TypicalRepository, TypicalRow

DAY = timedelta(days=1)

MIN_ARTICLES = 5
"""The median of fewer articles is not typical of a section."""


class Medians(NamedTuple):
    """Medians of `steps` ages, over the articles published within `period`."""

    step: timedelta
    steps: int
    period: timedelta


_BY_HOUR = Medians(HOUR, 7 * 24, timedelta(days=30))
_BY_DAY = Medians(DAY, 30, timedelta(days=60))
_CAPACITY = 200

_Key = tuple[str, str, Medians, datetime]


@dataclass(frozen=True, slots=True)
class Typical:
    """Medians by age in steps since `born`, the hour of the article's publication."""

    section: str
    born: datetime
    step: timedelta
    rows: tuple[TypicalRow, ...]

    @property
    def articles(self) -> int:
        """The number of articles compared with at the lowest age."""
        return self.rows[0].articles


class Comparison(NamedTuple):
    """Views of an article and of the typical one, both in the article's first `age`."""

    age: timedelta
    views: int
    typical: float
    articles: int


class TypicalService:
    """Computes the medians of a section once per hour. `clock` is in milliseconds."""

    def __init__(
        self,
        repository: TypicalRepository,
        charts: ArticleChartService,
        clock: Callable[[], int],
    ) -> None:
        self._repository = repository
        self._charts = charts
        self._clock = clock
        self._medians = Cache(self._load, capacity=_CAPACITY)

    async def get(self, site: str, metadata: Metadata | None, *, by_day: bool) -> Typical | None:
        """Return the typical article, None without section, publication or enough articles.

        Raises ClickHouseUnavailable or Misconfigured.
        """
        if metadata is None or not metadata.section or metadata.published_at is None:
            return None
        medians = _BY_DAY if by_day else _BY_HOUR
        rows = await self._medians.get((site, metadata.section, medians, self._hour()))
        typical = tuple(row for row in rows if row.articles >= MIN_ARTICLES)
        if not typical:
            return None
        return Typical(metadata.section, _born(metadata.published_at), medians.step, typical)

    async def compare(self, site: str, metadata: Metadata | None) -> Comparison | None:
        """Compare an article's complete hours, or days after a week, with the typical article.

        Raises ClickHouseUnavailable or Misconfigured.
        """
        now = self._hour()
        if metadata is None or metadata.published_at is None:
            return None
        if _born(metadata.published_at) >= now:
            return None
        by_day = now - _born(metadata.published_at) > _BY_HOUR.step * _BY_HOUR.steps
        typical = await self.get(site, metadata, by_day=by_day)
        if typical is None:
            return None
        steps = min((now - typical.born) // typical.step, len(typical.rows))
        row = typical.rows[steps - 1]
        age = steps * typical.step
        views = await self._charts.views(
            site, metadata.article_id, typical.born, typical.born + age
        )
        return Comparison(age, views, row.so_far, row.articles)

    async def _load(self, key: _Key) -> list[TypicalRow]:
        site, section, (step, steps, period), now = key
        since = now - period
        return await self._repository.typical(site, section, since, now, step=step, steps=steps)

    def _hour(self) -> datetime:
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        return now.replace(minute=0, second=0, microsecond=0)


def _born(published_at: int) -> datetime:
    published = datetime.fromtimestamp(published_at / 1000, UTC)
    return published.replace(minute=0, second=0, microsecond=0)
