"""Recovery of assigned partitions: checkpoints, sketches, and the ids of the dedup window."""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from functools import partial

from mostread.aggregator.assigned import AssignedCounters
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.metrics import Loss
from mostread.aggregator.repository import CounterRepository, SketchRow
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stream.assignment import Assignment
from mostread.aggregator.stream.event_topic import LOST_RECORDS, EventTopic
from mostread.aggregator.watchdog import Watchdog
from mostread.aggregator.watermark import Watermark
from mostread.core.counting.exclusions import Exclusions
from mostread.core.counting.partition import Checkpoint, PartitionCounter
from mostread.core.counting.visitor_sketch import first_hour
from mostread.core.skipped import SkippedRange
from mostread.errors import FetchRefused, LogInconsistent, UnreadableBatch


class Recovery:
    """Restores the counters of assigned partitions from ClickHouse and the events topic."""

    def __init__(
        self,
        settings: AggregatorSettings,
        *,
        topic: EventTopic,
        repository: CounterRepository,
        retrier: Retrier,
        watchdog: Watchdog,
        executor: Executor,
    ) -> None:
        """`executor` runs the blocking calls of `repository`, in one thread."""
        self._settings = settings
        self._topic = topic
        self._repository = repository
        self._retrier = retrier
        self._watchdog = watchdog
        self._executor = executor

    async def recover(
        self, assignment: Assignment, partitions: Sequence[int] | None = None
    ) -> AssignedCounters:
        """Return the counters of `partitions`, by default of all that are assigned.

        Those whose past cannot be read, or contradicts what is counted, are stopped. Raises
        SupersededError.
        """
        if partitions is None:
            partitions = assignment.partitions
        retrier, repository = self._retrier, self._repository
        in_thread = partial(
            retrier.call_in_thread, "clickhouse", self._executor, assignment=assignment
        )
        topic = await retrier.call("kafka", self._topic.describe, assignment)
        epoch = await in_thread(repository.current_epoch, topic)
        checkpoints = await in_thread(repository.checkpoints, epoch, partitions)
        since = {
            number: first_hour(checkpoints[number].checkpoint.record_time)
            for number in partitions
            if number in checkpoints
        }
        sketches = await in_thread(repository.sketches, epoch, since)
        assigned = AssignedCounters(assignment, epoch, {})
        for number in partitions:
            row = checkpoints.get(number)
            checkpoint = row.checkpoint if row else None
            skipped = await in_thread(repository.skipped, topic.id, number)
            assigned.watermarks[number] = Watermark(row.watermark if row else 0)
            recover = partial(
                self._recover_partition, assigned, number, checkpoint, sketches, skipped
            )
            try:
                await retrier.call("kafka", recover, assignment)
            except (UnreadableBatch, LogInconsistent, FetchRefused) as error:
                assigned.stop(number, error, checkpoint.next_offset if checkpoint else 0)
        assignment.ensure_current()
        return assigned

    async def _recover_partition(
        self,
        assigned: AssignedCounters,
        number: int,
        checkpoint: Checkpoint | None,
        sketches: Iterable[SketchRow],
        skipped: Sequence[SkippedRange],
    ) -> None:
        """Add the counter of a partition, with its recent ids.

        It starts at the first record that Kafka still has, outside the ranges `skipped`. Raises
        KafkaUnavailable, SupersededError, UnreadableBatch, FetchRefused, and LogInconsistent if the
        log ends before the checkpoint, or has other records there than those that were counted.
        """
        begin, end = (await self._topic.offset_ranges([number]))[number]
        next_offset = checkpoint.next_offset if checkpoint else 0
        if end < next_offset:
            raise LogInconsistent(
                f"partition {number} ends at offset {end}, but {next_offset} records of it are "
                f"counted: {LOST_RECORDS}"
            )
        share = len(assigned.assignment.partitions)
        counter = PartitionCounter(
            checkpoint,
            lateness=self._settings.allowed_lateness,
            counter_capacity=self._settings.aggregator_counter_cache_size // share,
            sketch_capacity=self._settings.aggregator_sketch_cache_size // share,
            exclusions=Exclusions(assigned.epoch.exclusions),
        )
        counter.load_sketches((row.key, row.sketch) for row in sketches if row.partition == number)
        if checkpoint and checkpoint.record_time >= 0:
            past = self._topic.reread(
                number, until=next_offset, record_time=checkpoint.record_time, skipped=skipped
            )
            async with aclosing(past):
                async for records in past:
                    counter.remember(records)
                    self._watchdog.report_progress()
                    await asyncio.sleep(0)
                    assigned.assignment.ensure_current()
        assigned.counters[number] = counter
        if begin > next_offset and checkpoint:
            assigned.lose(Loss(number, range(next_offset, begin), "retention"))
        elif begin > next_offset:
            counter.advance(begin)
        assigned.skip(number, skipped, counter.next_offset)
