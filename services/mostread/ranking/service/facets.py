"""The values that lists can be filtered by: sites, sections, languages, authors and tags."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mostread.errors import MostreadError
from mostread.ranking.cache.cache import Cache
from mostread.ranking.site_repository import SiteRepository

_CAPACITY = 100
_TTL_SECONDS = 60.0
_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FacetValues:
    """Filter values of one site with the number of articles of each, the most frequent first.

    Each kind has at most a hundred. Sites have 0 instead of a number of articles.
    """

    sites: Mapping[str, int] = field(default_factory=dict)
    sections: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    authors: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, int] = field(default_factory=dict)


class Facets:
    """Caches the filter values of each site.

    After a minute they are loaded again. Pages show the last ones until then, and keep them while
    ClickHouse is slow or unavailable. `clock` is monotonic, in seconds.
    """

    def __init__(
        self, repository: SiteRepository, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._repository = repository
        self._cache = Cache(
            self._load,
            capacity=_CAPACITY,
            ttl=_TTL_SECONDS,
            revalidate=math.inf,
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
        rows = await self._repository.facets(site)
        return FacetValues(
            *(
                {row.name: row.articles for row in rows if row.kind == kind}
                for kind in ("site", "section", "language", "author", "tag")
            )
        )
