"""The cache of the ranking: time to live, stale-while-revalidate, single flight, capacity.

A value younger than its time to live is a hit. For a further `revalidate` seconds callers still
get the old value while one refresh runs, so that a popular list never waits for ClickHouse.
Later callers wait for the refresh. If it fails or takes longer than REFRESH_TIMEOUT_SECONDS,
they get the old value marked as stale.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mostread.errors import MostreadError
from mostread.infra.logging import get_logger
from mostread.ranking.metrics import CacheMetrics, Lookup

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

TTL_SECONDS = 1.0
"""Time to live of lists and articles."""

SITE_TTL_SECONDS = 5.0
"""Time to live of sums over a site: every open dashboard shows them, and each reads many rows."""

REVALIDATE_SECONDS = 1.0
"""How long beyond it a value is returned while it is refreshed."""

REFRESH_TIMEOUT_SECONDS = 2.0
"""How long a caller waits for a refresh if there is an old value."""

log = get_logger(__name__)


@dataclass(slots=True)
class _Entry(Generic[V]):
    value: V
    refreshed_at: float
    stale: bool = False


class Cache(Generic[K, V]):
    """Caches the values of `load`, at most `capacity`, and evicts the least recently used.

    By default a value never expires: its key then carries the time it is valid for. `mark_stale`
    returns a value as it is given when it cannot be refreshed; without it, errors are raised.
    Errors are never cached. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        load: Callable[[K], Awaitable[V]],
        *,
        capacity: int,
        ttl: float = math.inf,
        revalidate: float = 0.0,
        mark_stale: Callable[[V], V] | None = None,
        metrics: CacheMetrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._capacity = capacity
        self._ttl = ttl
        self._revalidate_until = ttl + revalidate
        self._mark_stale = mark_stale
        self._metrics = metrics
        self._clock = clock
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._refreshes: dict[K, asyncio.Task[_Entry[V]]] = {}

    async def get(self, key: K) -> V:
        """Return the value. Raises what `load` raises if there is no old value."""
        entry = self._entries.get(key)
        if entry is None:
            # The cancellation of one caller must not cancel the refresh for the others.
            return self._result(await asyncio.shield(self._refresh(key)), "miss")
        self._entries.move_to_end(key)
        age = self._clock() - entry.refreshed_at
        if age < self._ttl:
            return self._result(entry, "hit")
        refresh = self._refresh(key)
        if age < self._revalidate_until:
            return self._result(entry, "revalidating")
        if self._mark_stale is None:
            return self._result(await asyncio.shield(refresh), "miss")
        await asyncio.wait({refresh}, timeout=REFRESH_TIMEOUT_SECONDS)
        if refresh.done():
            return self._result(refresh.result(), "miss")
        # Callers of the next second do not wait for the same slow refresh.
        entry = _Entry(self._mark_stale(entry.value), self._clock(), stale=True)
        self._entries[key] = entry
        return self._result(entry, "miss")

    def _result(self, entry: _Entry[V], lookup: Lookup) -> V:
        if self._metrics is not None:
            self._metrics.lookups["stale" if entry.stale else lookup].inc()
        return entry.value

    def _refresh(self, key: K) -> asyncio.Task[_Entry[V]]:
        """Return the running refresh of a key, or start one."""
        task = self._refreshes.get(key)
        if task is None:
            task = self._refreshes[key] = asyncio.create_task(self._run(key))
            task.add_done_callback(lambda done: self._finished(key, done))
        return task

    async def _run(self, key: K) -> _Entry[V]:
        started = self._clock()
        try:
            entry = _Entry(await self._load(key), started)
        except MostreadError as error:
            old = self._entries.get(key)
            if self._metrics is not None:
                self._metrics.refreshes["failed"].inc()
                resource = self._metrics.resource
                log.warning("cache_refresh_failed", resource=resource, error=str(error))
            if old is None or self._mark_stale is None:
                raise
            entry = _Entry(self._mark_stale(old.value), started, stale=True)
        else:
            if self._metrics is not None:
                self._metrics.refreshes["done"].inc()
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return entry

    def _finished(self, key: K, task: asyncio.Task[_Entry[V]]) -> None:
        del self._refreshes[key]
        # All callers may be gone; asyncio logs an exception that nobody retrieves.
        if not task.cancelled():
            task.exception()
