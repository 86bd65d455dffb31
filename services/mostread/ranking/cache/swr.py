"""Answers that are computed at most once a second each, however many ask, and kept.

A kept answer is given while it is younger than a second. An older one is computed anew, once
for all who ask meanwhile; for another second they get the kept one without waiting, so that
a list in demand never waits for ClickHouse. While the computing fails, or hangs, the kept
answer is given and marked as stale.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client import Counter

from mostread.errors import MostreadError
from mostread.infra.logging import get_logger
from mostread.ranking.metrics import Metrics

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

FRESH_SECONDS = 1.0
RENEWING_SECONDS = 2.0
PATIENCE_SECONDS = 2.0
"""How long one waits for a new answer where there is an old one."""

log = get_logger(__name__)


@dataclass(slots=True)
class _Kept(Generic[V]):
    value: V
    tried_at: float
    stale: bool = False


class Snapshots(Generic[K, V]):
    """Keeps the answers of `compute`, at most `capacity` of them; the least asked for goes.

    `what` names them in metrics. `marked_stale` returns an answer as it is given when no newer
    one can be had. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        what: str,
        compute: Callable[[K], Awaitable[V]],
        marked_stale: Callable[[V], V],
        metrics: Metrics,
        *,
        capacity: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._compute = compute
        self._marked_stale = marked_stale
        self._capacity = capacity
        self._clock = clock
        self._kept: OrderedDict[K, _Kept[V]] = OrderedDict()
        self._running: dict[K, asyncio.Task[_Kept[V]]] = {}
        self._done, self._failed = (
            metrics.computations.labels(what, outcome) for outcome in ("done", "failed")
        )
        self._fresh, self._renewing, self._stale, self._computed = (
            metrics.answers.labels(what, how) for how in ("hit", "revalidating", "stale", "miss")
        )

    async def get(self, key: K) -> V:
        """Return the answer. Raises what `compute` raised where nothing is kept."""
        kept = self._kept.get(key)
        if kept is None:
            return self._give(await asyncio.shield(self._task(key)), self._computed)
        self._kept.move_to_end(key)
        age = self._clock() - kept.tried_at
        if age < FRESH_SECONDS:
            return self._give(kept, self._fresh)
        task = self._task(key)
        if age < RENEWING_SECONDS:
            return self._give(kept, self._renewing)
        await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        if task.done():
            return self._give(task.result(), self._computed)
        # The rest of those who wait need not wait as long.
        kept = _Kept(self._marked_stale(kept.value), self._clock(), stale=True)
        self._kept[key] = kept
        return self._give(kept, self._computed)

    def _give(self, kept: _Kept[V], how: Counter) -> V:
        (self._stale if kept.stale else how).inc()
        return kept.value

    def _task(self, key: K) -> asyncio.Task[_Kept[V]]:
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._renew(key))
            task.add_done_callback(lambda done: self._finished(key, done))
        return task

    async def _renew(self, key: K) -> _Kept[V]:
        started = self._clock()
        try:
            new = _Kept(await self._compute(key), started)
            self._done.inc()
        except MostreadError as error:
            self._failed.inc()
            log.warning("cache_refresh_failed", resource=self._what, error=str(error))
            kept = self._kept.get(key)
            if kept is None:
                raise
            new = _Kept(self._marked_stale(kept.value), started, stale=True)
        self._kept[key] = new
        self._kept.move_to_end(key)
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return new

    def _finished(self, key: K, task: asyncio.Task[_Kept[V]]) -> None:
        del self._running[key]
        # Whoever asked may have gone; an error nobody fetches would be logged as a mistake.
        if not task.cancelled():
            task.exception()
