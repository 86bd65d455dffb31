"""The sites, sections and languages that there are, for whoever chooses a list."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mostread.errors import MostreadError
from mostread.ranking.cache.memo import Remembered
from mostread.ranking.repository import Store

_KEPT = 100
_PATIENCE_SECONDS = 1.0
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Offered:
    """What lists of one site can be limited to, fifty of each kind at most."""

    sites: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class AllOffered:
    """Asks at most once a minute for each site. `clock` is in milliseconds."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._kept = Remembered(self._compute, capacity=_KEPT)

    async def get(self, site: str) -> Offered:
        """Return what is offered; nothing where it cannot be had soon: the list is there alone."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._kept.get((site, self._clock() // _MINUTE_MS))
        except (MostreadError, TimeoutError):
            return Offered()

    async def _compute(self, key: tuple[str, int]) -> Offered:
        rows = await self._store.offered(key[0])
        named = {
            kind: tuple(row.name for row in rows if row.kind == kind)
            for kind in ("site", "section", "language")
        }
        return Offered(named["site"], named["section"], named["language"])
