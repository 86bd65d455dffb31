"""Queries: hashable values that identify lists, articles, series and logs."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Literal, NamedTuple
from zoneinfo import available_timezones

from mostread.core.events import CANARY_SITE
from mostread.core.ranking.comparison import Comparison
from mostread.core.ranking.windows import CURRENT, EPOCH, Bounds
from mostread.ranking.steps import LENGTHS

By = Literal["views", "comments", "likes", "score", "trending"]
SeriesGrain = Literal["minute", "hour"]
SiteGrain = Literal["minute", "hour", "day"]

NEWEST_VERSION = 2**64 - 1
"""Greater than the version of any decision."""


class Filters(NamedTuple):
    """Articles with one of the values of each field, published not longer ago than the last one.

    An empty field admits all.
    """

    section: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    published_within: timedelta | None = None

    def parameters(self, now: datetime) -> dict[str, object]:
        """Return the parameters of the SQL files that filter articles."""
        since = now - self.published_within if self.published_within else EPOCH
        return {
            "published_since": int(since.timestamp() * 1000),
            "sections": list(self.section),
            "languages": [language.lower() for language in self.language],
            "authors": list(self.author),
            "tags": list(self.tag),
        }


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list. Query strings that mean the same list make equal queries."""

    site: str = "default"
    window: str = "24h"
    bounds: Bounds | None = None
    compare: Comparison | None = None
    by: By = "views"
    limit: int = 10
    offset: int = 0
    section: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    published_within: timedelta | None = None
    tz: str | None = None
    half_life: timedelta | None = None
    quarantined: bool = False
    undescribed: bool = False
    pins: bool = True
    explain: bool = False
    cursor: str | None = None
    q: str | None = None
    written: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """The parameters as written in the query string, for links on pages."""

    @property
    def full_list(self) -> "ListQuery":
        """The list that this query is a page of."""
        return replace(self, limit=10, offset=0, explain=False, cursor=None, compare=None)

    @property
    def filters(self) -> Filters:
        """Which articles the list contains."""
        return Filters(self.section, self.language, self.author, self.tag, self.published_within)

    @property
    def words(self) -> list[str]:
        """Search words, each of which must occur in the title or id; empty without a search."""
        return (self.q or "").split()

    @property
    def may_show_pins(self) -> bool:
        """Whether pinned articles have fixed ranks in this list, unless the request says no."""
        return self.window in CURRENT and not self.trending

    @property
    def shows_pins(self) -> bool:
        return self.pins and self.may_show_pins

    @property
    def trending(self) -> bool:
        return self.by == "trending"


@dataclass(frozen=True, slots=True)
class ListDefaults:
    """Operator settings for parameters that a request omits."""

    tz: str = "UTC"
    half_life: timedelta | None = None
    undescribed: bool = False

    def lists_undescribed(self, site: str) -> bool:
        """Return whether public lists contain articles that the CMS has not described."""
        # Nobody describes the articles of the canary, which looks for them in a list.
        return self.undescribed or site == CANARY_SITE


class TotalsQuery(NamedTuple):
    """The sums over a site's articles in a window; `tz` is None where it has no effect."""

    site: str
    filters: Filters
    window: str
    tz: str | None
    bounds: Bounds | None = None
    compare: Comparison | None = None


class SiteSeriesQuery(NamedTuple):
    """The time series of a site's articles: `start` inclusive, `end` exclusive.

    Both are starts of steps. Days are those of the zone `tz`, None for other grains.
    """

    site: str
    filters: Filters
    grain: SiteGrain
    start: datetime
    end: datetime
    tz: str | None


class ArticleQuery(NamedTuple):
    """An article of a site."""

    site: str
    article_id: str


class SeriesQuery(NamedTuple):
    """A time series: `start` inclusive, `end` exclusive, both multiples of the grain."""

    site: str
    article_id: str
    grain: SeriesGrain
    start: datetime
    end: datetime

    @property
    def length(self) -> int:
        """Number of steps."""
        return (self.end - self.start) // LENGTHS[self.grain]


class CountsQuery(NamedTuple):
    """Articles of a site, sorted, and the window of their counts."""

    site: str
    articles: tuple[str, ...]
    window: str
    tz: str | None


DecisionKind = Literal[
    "hidden", "listed", "pinned", "unpinned", "embargoed", "expiring", "expired", "approved"
]
"""Effects of a decision: `listed` and `unpinned` override the CMS."""


class DecisionsQuery(NamedTuple):
    """Decisions in force at a site: of some kinds, or of all if none is named."""

    site: str = "default"
    kind: tuple[DecisionKind, ...] = ()
    q: str | None = None
    limit: int = 100
    offset: int = 0


class LogQuery(NamedTuple):
    """A page of an article's decision log: the newest `limit` decisions below `before`."""

    site: str
    article_id: str
    limit: int = 20
    before: int = NEWEST_VERSION


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_name(value: str) -> str:
    """Return the name of an IANA time zone unchanged. Raises ValueError if it is unknown."""
    if value not in _zones():
        raise ValueError("not the name of an IANA time zone, for example Asia/Almaty")
    return value
