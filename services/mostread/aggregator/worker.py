"""One worker: the partitions it was assigned, their counting, and the flush into the store.

Faust's agent hands in lists of records, which are counted in memory at once. A flush closes
what was gathered and takes it into ClickHouse: counters first, then progress; only then are
the messages acknowledged, and Faust commits their offsets. While a flush is on its way the
counting goes on, up to `flush_bytes`; beyond that the agent waits, and Kafka keeps the rest.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.flush import Assigned, Flush
from mostread.aggregator.recovery import take_over
from mostread.aggregator.repository import Count
from mostread.aggregator.retry import SupersededError
from mostread.aggregator.servers import Servers
from mostread.core.counting.visitor_sketch import Sketches, first_hour
from mostread.core.records import Record
from mostread.infra.logging import get_logger

log = get_logger(__name__)
Result = TypeVar("Result")


class Worker:
    """Counts the partitions of the current generation of the consumer group."""

    def __init__(self, settings: AggregatorSettings, servers: Servers) -> None:
        self._settings = settings
        self._servers = servers
        self._generation = -1
        self._count: Count | None = None
        self._partitions: dict[int, Assigned] = {}
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._flushed_at = time.monotonic()

    @property
    def assigned(self) -> bool:
        """Whether the group has given us our partitions, which may be none."""
        return self._count is not None

    @property
    def seconds_since_flush(self) -> float:
        """How long ago the last flush ended."""
        return time.monotonic() - self._flushed_at

    async def assign(
        self, partitions: Sequence[int], current_generation: Callable[[], int]
    ) -> dict[int, int]:
        """Take over `partitions`, and return the offset at which each begins.

        What was gathered for the generation before is dropped: it was not acknowledged, and
        whoever has the partition now reads it again. An assignment that is overtaken by the
        next one returns nothing.
        """
        generation = current_generation()
        self._generation = generation
        self._partitions = {}
        self._count = None
        self._room.set()

        def still_ours() -> bool:
            return current_generation() == generation

        try:
            topic = await self._patiently(self._servers.log.topic, still_ours)
            store = self._servers.store
            count = await self._servers.ask_store(store.current, topic, still_ours=still_ours)
            found = await self._servers.ask_store(
                store.positions, count, partitions, still_ours=still_ours
            )
            since = {p: first_hour(found[p].record_time) for p in partitions if p in found}
            sketched = await self._servers.ask_store(
                store.sketches, count, since, still_ours=still_ours
            )
            loaded = {}
            for partition in partitions:
                taking = functools.partial(
                    take_over,
                    self._servers,
                    self._settings,
                    partition,
                    found.get(partition),
                    share=len(partitions),
                    still_ours=still_ours,
                )
                counting = await self._patiently(taking, still_ours)
                sketches = Sketches(self._settings.aggregator_sketch_cache_size // len(partitions))
                sketches.load(
                    (row.key, row.sketch) for row in sketched if row.partition == partition
                )
                loaded[partition] = Assigned(counting, sketches)
        except SupersededError:
            return {}
        if not still_ours():
            return {}
        self._count, self._partitions = count, loaded
        self._servers.lag.counted({n: each.count.next_offset for n, each in loaded.items()})
        log.info("partitions_assigned", partitions=sorted(partitions), generation=generation)
        return {number: each.count.next_offset for number, each in loaded.items()}

    async def count(
        self, generation: int, partition: int, records: Sequence[Record], message: Any
    ) -> None:
        """Count `records`, and keep `message` to acknowledge it when they are in the store.

        Returns when there is room for more. Records of another generation are left alone:
        whoever has their partition now reads them again. Raises LogInconsistent.
        """
        ours = self._partitions.get(partition)
        if generation != self._generation or ours is None:
            return
        ours.count.count(records)
        ours.messages.append(message)
        while self._open_bytes() >= self._settings.aggregator_max_buffered_bytes:
            self._room.clear()
            self._due.set()
            await self._room.wait()

    async def run(self) -> None:
        """Flush for ever: every `flush_seconds`, and at once when there is much."""
        interval = self._settings.aggregator_flush_interval_seconds
        while True:
            began = time.monotonic()
            await self._flush()
            self._due.clear()
            if self._open_bytes() < self._settings.aggregator_max_buffered_bytes:
                rest = max(0.0, began + interval - time.monotonic())
                try:
                    await asyncio.wait_for(self._due.wait(), rest)
                except TimeoutError:
                    continue

    async def _flush(self) -> None:
        """Take all that was gathered into the store. Raises StaleEpoch."""
        count, generation = self._count, self._generation
        if count is not None:
            flush = Flush(
                self._servers, count, self._partitions, lambda: self._generation == generation
            )
            try:
                await flush.close()
                self._room.set()
                await flush.write()
            except SupersededError:
                log.info("flush_superseded", generation=generation)
        self._flushed_at = time.monotonic()

    async def _patiently(
        self, call: Callable[[], Awaitable[Result]], still_ours: Callable[[], bool]
    ) -> Result:
        return await self._servers.patience.until_done("kafka", call, still_ours=still_ours)

    def _open_bytes(self) -> int:
        return sum(each.count.open_size for each in self._partitions.values())
