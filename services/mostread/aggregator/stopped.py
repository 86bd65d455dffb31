"""Stopped partitions: each waits alone until it can be read or its batch is skipped."""

import time
from concurrent.futures import Executor
from functools import partial

from mostread.aggregator.assigned import AssignedCounters, StoppedPartition
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.recovery import Recovery
from mostread.aggregator.repository import CounterRepository
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.core.skipped import SkippedRange, skip_end
from mostread.errors import FetchRefused, UnreadableBatch
from mostread.infra.logging import get_logger

log = get_logger(__name__)

SKIPPED_BY = "aggregator"


class StoppedPartitions:
    """Retries stopped partitions."""

    def __init__(
        self,
        settings: AggregatorSettings,
        *,
        topic: EventTopic,
        recovery: Recovery,
        repository: CounterRepository,
        retrier: Retrier,
        executor: Executor,
    ) -> None:
        """`executor` runs the blocking calls of `repository`, in one thread."""
        self._skip_after = settings.aggregator_skip_after
        self._topic = topic
        self._recovery = recovery
        self._repository = repository
        self._retrier = retrier
        self._executor = executor

    async def retry(self, assigned: AssignedCounters, partition: int) -> int | None:
        """Return the offset from which to read the partition, or None while it stays stopped.

        Raises SupersededError.
        """
        stopped = assigned.stopped[partition]
        if not isinstance(stopped.error, UnreadableBatch):
            if not await self._recover(assigned, partition):
                return None
            del assigned.stopped[partition]
            return assigned.counters[partition].next_offset
        offset = stopped.error.offset
        skipped = await self._retrier.call_in_thread(
            "clickhouse",
            self._executor,
            self._repository.skipped,
            assigned.epoch.topic.id,
            partition,
            assignment=assigned.assignment,
        )
        if skip_end(offset, skipped) == offset and not await self._retrier.call(
            "kafka", partial(self._is_readable, partition, offset), assigned.assignment
        ):
            await self._skip_if_due(assigned, stopped, stopped.error)
            return None
        if partition in assigned.counters:
            async with assigned.lock:
                assigned.skip(partition, skipped, offset)
        elif not await self._recover(assigned, partition):
            return None
        del assigned.stopped[partition]
        return assigned.counters[partition].next_offset

    async def _is_readable(self, partition: int, offset: int) -> bool:
        try:
            async for _ in self._topic.read(partition, offset, offset + 1):
                pass
        except (UnreadableBatch, FetchRefused):
            return False
        return True

    async def _recover(self, assigned: AssignedCounters, partition: int) -> bool:
        """Return whether the partition is recovered."""
        recovered = await self._recovery.recover(assigned.assignment, [partition])
        if recovered.stopped:
            again = recovered.stopped[partition]
            assigned.stop(partition, again.error, again.counted_until)
            return False
        async with assigned.lock:
            assigned.add(recovered)
        return True

    async def _skip_if_due(
        self, assigned: AssignedCounters, stopped: StoppedPartition, unreadable: UnreadableBatch
    ) -> None:
        """Record a skipped range after `aggregator_skip_after`; the next retry finds it."""
        if not self._skip_after or time.monotonic() - stopped.since < self._skip_after:
            return
        if unreadable.next_offset is None:
            if not stopped.is_reported:
                stopped.is_reported = True
                log.error("cannot_skip", partition=unreadable.partition, error=str(unreadable))
            return
        in_thread = partial(
            self._retrier.call_in_thread,
            "clickhouse",
            self._executor,
            assignment=assigned.assignment,
        )
        rows = await in_thread(self._repository.checkpoints, assigned.epoch, [unreadable.partition])
        row = rows.get(unreadable.partition)
        if row and row.checkpoint.next_offset > max(stopped.counted_until, unreadable.offset):
            return  # The next owner has read the batch; this worker was suspended.
        skipped = SkippedRange(
            unreadable.partition,
            unreadable.offset,
            unreadable.next_offset,
            stopped.counted_until,
            unreadable.reason,
            SKIPPED_BY,
        )
        await in_thread(self._repository.write_skipped, assigned.epoch.topic, skipped)
