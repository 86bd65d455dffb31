"""The values that lists can be filtered by: sites, sections and languages."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mostread.errors import MostreadError
from mostread.ranking.cache.cache import Cache
from mostread.ranking.repository import RankingRepository

_CAPACITY = 100
_TIMEOUT_SECONDS = 1.0
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class FacetValues:
    """Filter values of one site, at most fifty of each kind."""

    sites: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Facets:
    """Caches the filter values of each site for a minute. `clock` is in milliseconds."""

    def __init__(self, repository: RankingRepository, clock: Callable[[], int]) -> None:
        self._repository = repository
        self._clock = clock
        self._cache = Cache(self._load, capacity=_CAPACITY)

    async def get(self, site: str) -> FacetValues:
        """Return the filter values, or none on failure: a page does not depend on them."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                return await self._cache.get((site, self._clock() // _MINUTE_MS))
        except (MostreadError, TimeoutError):
            return FacetValues()

    async def _load(self, key: tuple[str, int]) -> FacetValues:
        rows = await self._repository.facets(key[0])
        sites, sections, languages = (
            tuple(row.name for row in rows if row.kind == kind)
            for kind in ("site", "section", "language")
        )
        return FacetValues(sites, sections, languages)
