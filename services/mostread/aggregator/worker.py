"""The worker: counts assigned partitions in memory, and checkpoints them to ClickHouse.

The stream passes lists of records, which are counted at once. A checkpoint closes the open
batches and writes them; only then are the messages acknowledged, and their offsets committed.
Counting continues during a checkpoint, up to `aggregator_max_buffered_bytes`; beyond that the
stream waits, and Kafka keeps the rest.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn

from mostread.aggregator.assigned import AssignedCounters
from mostread.aggregator.checkpointer import Checkpointer
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.lag import Lag
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.recovery import Recovery
from mostread.aggregator.stopped import StoppedPartitions
from mostread.aggregator.stream.assignment import Assignment, Message, SupersededError
from mostread.aggregator.watchdog import Watchdog
from mostread.core.counting.partition import pieces
from mostread.errors import UnreadableBatch
from mostread.infra.logging import get_logger

log = get_logger(__name__)

RETRY_SECONDS = 5.0
Resume = Callable[[int, int, Assignment], Awaitable[None]]
"""Reads a partition again from an offset on."""


class Worker:
    """Counts the partitions assigned in the current generation of the consumer group."""

    def __init__(
        self,
        settings: AggregatorSettings,
        *,
        recovery: Recovery,
        stopped: StoppedPartitions,
        checkpointer: Checkpointer,
        metrics: AggregatorMetrics,
        lag: Lag,
        watchdog: Watchdog,
    ) -> None:
        self._interval = settings.aggregator_flush_interval_seconds
        self._max_bytes = settings.aggregator_max_buffered_bytes
        self._recovery = recovery
        self._stopped = stopped
        self._checkpointer = checkpointer
        self._metrics = metrics
        self._lag = lag
        self._watchdog = watchdog
        self._assigned: AssignedCounters | None = None
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._flushed_at = time.monotonic()
        self._standing: dict[int, str] = {}

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

        A partition without one is stopped, and must not be read before it is resumed. Drops what
        was counted for the previous assignment: it was not acknowledged, and the partition's next
        owner reads it again. Returns nothing once the assignment is superseded.
        """
        self._assigned = None
        self._room.set()
        if assignment.partitions:
            self._watchdog.expect_write()
        try:
            assigned = await self._recovery.recover(assignment)
        except SupersededError:
            return {}
        self._assigned = assigned
        starts = dict(assigned.starts())
        self._lag.update(starts)
        self._watchdog.report_recovery(starts)
        self._report_standing(assigned)
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
        if message.partition not in assigned.counters:
            return
        for records in pieces(message.records):
            assigned.count(message.partition, records)
            self._watchdog.expect_write()
            await asyncio.sleep(0)
            while self._is_full():
                self._room.clear()
                self._due.set()
                await self._room.wait()
            if self._assigned is not assigned:
                return
        assigned.unacked.append(message)

    def stop(self, unreadable: UnreadableBatch, assignment: Assignment) -> None:
        """Leave a partition where it cannot be read; the others continue."""
        assigned = self._assigned
        if assigned is None or assignment.generation != assigned.assignment.generation:
            return
        counter = assigned.counters.get(unreadable.partition)
        if counter is None:
            return
        assigned.stop(unreadable.partition, unreadable, counter.next_offset)
        self._report_standing(assigned)

    async def retry_stopped(self, resume: Resume) -> NoReturn:
        """Retry stopped partitions every RETRY_SECONDS, and `resume` those that can be read.

        Each waits for Kafka alone, since the leader of another may be unavailable.
        """
        retries: dict[int, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                await asyncio.sleep(RETRY_SECONDS)
                assigned = self._assigned
                if assigned is None:
                    continue
                for partition in list(assigned.stopped):
                    if partition not in retries or retries[partition].done():
                        retry = self._retry_stopped(assigned, partition, resume)
                        retries[partition] = tasks.create_task(retry)

    async def _retry_stopped(
        self, assigned: AssignedCounters, partition: int, resume: Resume
    ) -> None:
        with suppress(SupersededError):
            offset = await self._stopped.retry(assigned, partition)
            self._report_standing(assigned)
            if offset is not None:
                await resume(partition, offset, assigned.assignment)

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
                async with assigned.lock:
                    await self._checkpointer.run(assigned, on_closed=self._room.set)
                self._report_standing(assigned)
            except SupersededError:
                log.info("flush_superseded", generation=assigned.assignment.generation)
        self._flushed_at = time.monotonic()

    def _is_full(self) -> bool:
        return self._assigned is not None and self._assigned.buffered_bytes >= self._max_bytes

    def _report_standing(self, assigned: AssignedCounters) -> None:
        """Report the partitions that are not counted; log each once, and again if it continues."""
        if assigned is not self._assigned:
            return
        before, standing = self._standing, assigned.standing()
        self._standing = {number: str(error) for number, error in standing.items()}
        for number, error in self._standing.items():
            if before.get(number) != error:
                offset = getattr(standing[number], "offset", None)
                log.error("partition_stopped", partition=number, offset=offset, error=error)
        for number in before.keys() - standing.keys():
            counter = assigned.counters.get(number)
            if counter is not None:
                log.info("partition_resumed", partition=number, offset=counter.next_offset)
        topic = assigned.epoch.topic.name
        self._metrics.report_stopped(topic, assigned.assignment.partitions, standing)
