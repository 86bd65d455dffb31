"""The worker: counts assigned partitions in memory, and checkpoints them to ClickHouse.

The stream passes lists of records, which are counted at once. A checkpoint closes the open
batches and writes them; only then are the messages acknowledged, and their offsets committed.
Counting continues during a checkpoint, up to `aggregator_max_buffered_bytes`; beyond that the
stream waits, and Kafka keeps the rest.
"""

import asyncio
import time
from contextlib import suppress

from mostread.aggregator.checkpointer import Checkpointer
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.lag import Lag
from mostread.aggregator.recovery import AssignedCounters, Recovery
from mostread.aggregator.stream.assignment import Assignment, Message, SupersededError
from mostread.errors import UnreadableBatch
from mostread.infra.logging import get_logger

log = get_logger(__name__)


class Worker:
    """Counts the partitions assigned in the current generation of the consumer group."""

    def __init__(
        self,
        settings: AggregatorSettings,
        *,
        recovery: Recovery,
        checkpointer: Checkpointer,
        lag: Lag,
    ) -> None:
        self._interval = settings.aggregator_flush_interval_seconds
        self._max_bytes = settings.aggregator_max_buffered_bytes
        self._recovery = recovery
        self._checkpointer = checkpointer
        self._lag = lag
        self._assigned: AssignedCounters | None = None
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._flushed_at = time.monotonic()

    @property
    def has_assignment(self) -> bool:
        """Whether the group has assigned partitions, possibly none, and they are recovered."""
        return self._assigned is not None

    @property
    def seconds_since_flush(self) -> float:
        """Seconds since the last flush ended."""
        return time.monotonic() - self._flushed_at

    async def assign(self, assignment: Assignment) -> dict[int, int]:
        """Recover the assigned partitions, and return the first offset to read of each.

        Drops what was counted for the previous assignment: it was not acknowledged, and the
        partition's next owner reads it again. Returns nothing once the assignment is superseded.
        """
        self._assigned = None
        self._room.set()
        try:
            assigned = await self._recovery.recover(assignment)
        except SupersededError:
            return {}
        self._assigned = assigned
        starts = {number: counter.next_offset for number, counter in assigned.counters.items()}
        self._lag.update(starts)
        log.info(
            "partitions_assigned",
            partitions=sorted(assignment.partitions),
            generation=assignment.generation,
        )
        return starts

    async def count(self, message: Message) -> None:
        """Count the message's records; the next checkpoint acknowledges it.

        Returns when there is room for more. Ignores records of another generation: the
        partition's owner reads them again. Raises LogInconsistent.
        """
        assigned = self._assigned
        if assigned is None or message.assignment.generation != assigned.assignment.generation:
            return
        counter = assigned.counters.get(message.partition)
        if counter is None:
            return
        counter.count(message.records)
        assigned.unacked.append(message)
        while self._is_full():
            self._room.clear()
            self._due.set()
            await self._room.wait()

    def stop(self, unreadable: UnreadableBatch, assignment: Assignment) -> None:
        """Leave a partition where it cannot be read; the others continue."""
        if assignment.is_current:
            log.error("partition_stopped", partition=unreadable.partition, error=str(unreadable))

    async def run(self) -> None:
        """Flush every `aggregator_flush_interval_seconds`, and at once when memory is full.

        Raises StaleEpoch.
        """
        while True:
            began = time.monotonic()
            await self._flush()
            self._due.clear()
            if not self._is_full():
                rest = max(0.0, began + self._interval - time.monotonic())
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), rest)

    async def _flush(self) -> None:
        assigned = self._assigned
        if assigned is not None:
            try:
                await self._checkpointer.run(assigned, on_closed=self._room.set)
            except SupersededError:
                log.info("flush_superseded", generation=assigned.assignment.generation)
        self._flushed_at = time.monotonic()

    def _is_full(self) -> bool:
        return self._assigned is not None and self._assigned.buffered_bytes >= self._max_bytes
