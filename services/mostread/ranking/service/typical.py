"""Compare an article with the typical article of its section at the same age."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.windows import HOUR
from mostread.core.retention import HOUR_ROW_TTL_SECONDS
from mostread.ranking.cache.cache import Cache
from mostread.ranking.repository import Metadata
from mostread.ranking.service.article_chart import ArticleChartService
from mostread.ranking.steps import step_start
from mostread.ranking.typical_repository import TypicalRepository, TypicalRow

DAY = timedelta(days=1)

MIN_ARTICLES = 5
"""The median of fewer articles is not typical of a section."""

MIN_VIEWS = 30
"""A multiple of a smaller median says nothing."""

_HOURS_KEPT = timedelta(seconds=HOUR_ROW_TTL_SECONDS)


class Medians(NamedTuple):
    """Medians of `steps` ages, over the articles published within `period`."""

    step: timedelta
    steps: int
    period: timedelta


_BY_HOUR = Medians(HOUR, 7 * 24, timedelta(days=30))
_BY_DAY = Medians(DAY, 30, timedelta(days=60))
_CAPACITY = 200

_Key = tuple[str, str, Medians, datetime]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class _Loaded:
    """Medians over the articles published since `begun`, from when on all hours are counted."""

    begun: datetime
    rows: tuple[TypicalRow, ...]


@dataclass(frozen=True, slots=True)
class Typical:
    """Medians by age in steps since `born`, the hour of the article's publication."""

    section: str
    born: datetime
    step: timedelta
    rows: tuple[TypicalRow, ...]


class TypicalComparison(NamedTuple):
    """Views of an article and of the typical one, both in the article's first `age`."""

    age: timedelta
    views: int
    typical: float
    articles: int


class TypicalService:
    """Computes the medians of a section once per counted hour. `clock` is in milliseconds."""

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

        An article that is older than the counts of its site has none.
        Raises ClickHouseUnavailable or Misconfigured.
        """
        return await self._typical(site, metadata, await self._last_hour(), by_day=by_day)

    async def _typical(
        self, site: str, metadata: Metadata | None, now: datetime, *, by_day: bool
    ) -> Typical | None:
        born = _born(metadata)
        if metadata is None or not metadata.section or born is None:
            return None
        medians = _BY_DAY if by_day else _BY_HOUR
        loaded = await self._medians.get((site, metadata.section, medians, now))
        typical = tuple(row for row in loaded.rows if row.articles >= MIN_ARTICLES)
        if not typical or born < loaded.begun:
            return None
        return Typical(metadata.section, born, medians.step, typical)

    async def compare(self, site: str, metadata: Metadata | None) -> TypicalComparison | None:
        """Compare an article's complete hours, or days after a week, with the typical article.

        Returns None if some of them are not stored, or the typical article has few views.
        Raises ClickHouseUnavailable or Misconfigured.
        """
        now = await self._last_hour()
        born = _born(metadata)
        if metadata is None or born is None or not now - _HOURS_KEPT < born < now:
            return None
        by_day = now - born > _BY_HOUR.step * _BY_HOUR.steps
        typical = await self._typical(site, metadata, now, by_day=by_day)
        if typical is None:
            return None
        steps = min((now - typical.born) // typical.step, len(typical.rows))
        row = typical.rows[steps - 1]
        if row.so_far < MIN_VIEWS:
            return None
        age = steps * typical.step
        views = await self._charts.views(
            site, metadata.article_id, typical.born, typical.born + age
        )
        return TypicalComparison(age, views, row.so_far, row.articles)

    async def _load(self, key: _Key) -> _Loaded:
        site, section, (step, steps, period), now = key
        first = await self._repository.first_hour(site)
        if first is None:
            return _Loaded(now, ())
        # The first hour may be counted in part.
        begun = first + HOUR
        since = max(now - period, begun)
        rows = await self._repository.typical(site, section, since, now, step=step, steps=steps)
        return _Loaded(begun, tuple(rows))

    async def _last_hour(self) -> datetime:
        """Return the end of the last hour of which every event is counted."""
        now = datetime.fromtimestamp(self._clock() / 1000, UTC)
        as_of = await self._charts.repository.watermark()
        return step_start(min(now, as_of or now), "hour")


def _born(metadata: Metadata | None) -> datetime | None:
    """Return the hour of publication."""
    published = metadata.published if metadata else None
    return published and step_start(published, "hour")
