"""Values that stay true for their key: each is computed once, and the latest ones are kept."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Keeps at most `capacity` values of `compute`; the one asked for longest ago goes."""

    def __init__(self, compute: Callable[[K], Awaitable[V]], *, capacity: int) -> None:
        self._compute = compute
        self._capacity = capacity
        self._kept: OrderedDict[K, asyncio.Task[V]] = OrderedDict()

    async def get(self, key: K) -> V:
        """Return the value. What `compute` raises is raised to all who wait, and not kept."""
        task = self._kept.get(key)
        if task is None:
            task = self._kept[key] = asyncio.create_task(self._computed(key))
            task.add_done_callback(lambda done: self._forget_failed(key, done))
            if len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        # One who goes away must not end it for the others.
        return await asyncio.shield(task)

    async def _computed(self, key: K) -> V:
        return await self._compute(key)

    def _forget_failed(self, key: K, task: asyncio.Task[V]) -> None:
        # Looking at the error also says that it was seen, where everybody who asked has gone.
        failed = task.cancelled() or task.exception() is not None
        if failed and self._kept.get(key) is task:
            del self._kept[key]
