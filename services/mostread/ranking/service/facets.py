"""The values that lists can be filtered by: sites, sections, languages, authors and tags."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mostread.errors import MostreadError
from mostread.ranking.cache.cache import REFRESH_TIMEOUT_SECONDS, Cache
from mostread.ranking.site_repository import SiteRepository

_CAPACITY = 100
_TTL_SECONDS = 30.0
_REVALIDATE_SECONDS = 30.0
_TIMEOUT_SECONDS = REFRESH_TIMEOUT_SECONDS + 1


@dataclass(frozen=True, slots=True)
class FacetValues:
    """Filter values of one site with the number of articles of each, the most frequent first.

    Each kind has at most a hundred. Sites have 0 instead of a number of articles: those with most
    described articles are first.
    """

    sites: Mapping[str, int] = field(default_factory=dict)
    sections: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    authors: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, int] = field(default_factory=dict)


class Facets:
    """Caches the filter values of each site.

    They are at most a minute old, so that the tags of an embargoed story soon disappear.
    Pages keep the last ones while ClickHouse is slow or unavailable. With `undescribed`, sites
    without described articles are also listed. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        repository: SiteRepository,
        clock: Callable[[], float] = time.monotonic,
        *,
        undescribed: bool,
    ) -> None:
        self._repository = repository
        self._undescribed = undescribed
        self._cache = Cache(
            self._load,
            capacity=_CAPACITY,
            ttl=_TTL_SECONDS,
            revalidate=_REVALIDATE_SECONDS,
            mark_stale=lambda values: values,
            clock=clock,
        )

    async def get(self, site: str) -> FacetValues:
        """Return the filter values, or none if none are known yet."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await self._cache.get(site)
        except (MostreadError, TimeoutError):
            return FacetValues()

    async def _load(self, site: str) -> FacetValues:
        rows = await self._repository.facets(site, undescribed=self._undescribed)
        return FacetValues(
            *(
                {row.name: row.articles for row in rows if row.kind == kind}
                for kind in ("site", "section", "language", "author", "tag")
            )
        )
