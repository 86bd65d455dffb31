"""Lists that are held still for those who page through them.

A list changes while somebody turns its pages: by offsets, an article that rises is shown on no
page, and one that falls on two. `cursor=*` takes the whole order at one moment, and each page of
it says where the next one begins. What is held is dropped a minute after it was last asked for,
or for a newer one where too many are held.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from mostread.errors import MostreadError
from mostread.ranking.api.params import BadParameter, ListQuery
from mostread.ranking.service.lists import MostRead, MostReadLists, Order

LONGEST = 10_000
"""The most articles of a list that is held."""

HELD_SECONDS = 60.0
_SHARED_SECONDS = 1.0


class CursorExpired(MostreadError):
    """The list that a cursor belongs to is not held any more."""


@dataclass(slots=True)
class _Held:
    query: ListQuery
    order: asyncio.Task[Order]
    begun: float
    used: float


class HeldLists:
    """Holds at most `capacity` lists. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        lists: MostReadLists,
        *,
        capacity: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lists = lists
        self._capacity = capacity
        self._clock = clock
        self._held: dict[str, _Held] = {}

    async def page(self, query: ListQuery, cursor: str) -> tuple[MostRead, str | None]:
        """Return the page that a cursor names, and the cursor of the next one.

        Raises CursorExpired, BadParameter where the cursor is another list's, and what
        MostReadLists.compute raises.
        """
        self._drop_old()
        name, offset = self._place(query, cursor)
        held = self._held[name]
        held.used = self._clock()
        try:
            # One who goes away must not end it for the others.
            order = await asyncio.shield(held.order)
        except MostreadError:
            self._held.pop(name, None)
            raise
        stretch = order.placed[offset : offset + query.limit]
        listed = await self._lists.listed(query, order, stretch)
        after = offset + query.limit
        return listed, f"{name}.{after}" if after < len(order.placed) else None

    def _place(self, query: ListQuery, cursor: str) -> tuple[str, int]:
        if cursor == "*":
            return self._begun(query.whole), 0
        name, _, offset = cursor.partition(".")
        held = self._held.get(name)
        if held is None:
            raise CursorExpired(
                f"A list is held for {HELD_SECONDS:.0f} s after it was last asked for, by the "
                "service that gave the cursor. Begin again with cursor=*."
            )
        if held.query != query.whole:
            raise BadParameter(
                "cursor", "the cursor is of another list", "the parameters that it began with"
            )
        return name, int(offset)

    def _begun(self, query: ListQuery) -> str:
        now = self._clock()
        for name, held in self._held.items():
            if held.query == query and now - held.begun < _SHARED_SECONDS:
                return name
        name = secrets.token_urlsafe(9)
        order = asyncio.create_task(self._lists.order(query, 0, LONGEST))
        # An error that nobody fetches, because all have gone, would be logged as a mistake.
        order.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._held[name] = _Held(query, order, now, now)
        if len(self._held) > self._capacity:
            del self._held[min(self._held, key=lambda each: self._held[each].used)]
        return name

    def _drop_old(self) -> None:
        now = self._clock()
        for name in [n for n, held in self._held.items() if now - held.used > HELD_SECONDS]:
            del self._held[name]
