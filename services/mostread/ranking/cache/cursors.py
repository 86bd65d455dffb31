"""Cursors: lists whose order is kept while clients page through them.

A list changes between the requests for its pages: with offsets, an article that rises can be
missing from every page, and one that falls can be on two. `cursor=*` stores the order of the
whole list at one moment, and each page returns the cursor of the next one. Articles that have been
hidden since are missing from it, the others keep their ranks. A stored list expires a minute after
its last use, or earlier if newer lists need its place.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from mostread.errors import BadParameter, CursorExpired, MostreadError
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import ListService, RankedList, RankedPage

MAX_LENGTH = 10_000
"""The most articles of a stored list."""

LIFETIME_SECONDS = 60.0
_SHARED_SECONDS = 1.0


@dataclass(slots=True)
class _StoredList:
    query: ListQuery
    ranked: asyncio.Task[RankedPage]
    created_at: float
    used_at: float


class CursorStore:
    """Stores at most `capacity` lists. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        lists: ListService,
        *,
        capacity: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lists = lists
        self._capacity = capacity
        self._clock = clock
        self._stored: dict[str, _StoredList] = {}

    async def page(self, query: ListQuery, cursor: str) -> tuple[RankedList, str | None]:
        """Return the page that a cursor points to, and the cursor of the next page.

        Raises CursorExpired, BadParameter if the cursor belongs to another list, and whatever
        ListService raises.
        """
        self._remove_expired()
        name, offset = self._locate(query, cursor)
        stored = self._stored[name]
        stored.used_at = self._clock()
        try:
            # The cancellation of one caller must not cancel the ranking for the others.
            ranked = await asyncio.shield(stored.ranked)
        except MostreadError:
            self._stored.pop(name, None)
            raise
        end = offset + query.limit
        placed = await self._lists.still_listed(query, ranked.placed[offset:end])
        page = await self._lists.describe(query, ranked, placed)
        return page, f"{name}.{end}" if end < len(ranked.placed) else None

    def _locate(self, query: ListQuery, cursor: str) -> tuple[str, int]:
        if cursor == "*":
            return self._start(query.full_list), 0
        name, _, offset = cursor.partition(".")
        stored = self._stored.get(name)
        if stored is None:
            raise CursorExpired(
                f"The cursor has expired; restart with cursor=*. A cursor is valid for "
                f"{LIFETIME_SECONDS:.0f} s after its last use, at the service that returned it."
            )
        if stored.query != query.full_list:
            raise BadParameter(
                "cursor", "the cursor belongs to another list", "the parameters of its first page"
            )
        return name, int(offset)

    def _start(self, query: ListQuery) -> str:
        """Store the list, or share one stored within the last second; return its name."""
        now = self._clock()
        for name, stored in self._stored.items():
            if stored.query == query and now - stored.created_at < _SHARED_SECONDS:
                return name
        name = secrets.token_urlsafe(9)
        ranked = asyncio.create_task(self._lists.rank(query, 0, MAX_LENGTH))
        # All callers may be gone; asyncio logs an exception that nobody retrieves.
        ranked.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._stored[name] = _StoredList(query, ranked, now, now)
        if len(self._stored) > self._capacity:
            del self._stored[min(self._stored, key=lambda name: self._stored[name].used_at)]
        return name

    def _remove_expired(self) -> None:
        now = self._clock()
        for name, stored in list(self._stored.items()):
            if now - stored.used_at > LIFETIME_SECONDS:
                del self._stored[name]
