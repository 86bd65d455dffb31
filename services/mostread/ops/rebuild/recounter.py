"""Recount of the log into new tables with the aggregator's counting, by partition."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.forgetter import Forgetter
from mostread.aggregator.repository import CheckpointRow, CounterRepository, CounterRow, Epoch
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.aggregator.watermark import Watermark
from mostread.core.control import Forget
from mostread.core.counting.batch import MAX_FUTURE_MS, Outcomes
from mostread.core.counting.partition import Checkpoint, PartitionCounter
from mostread.core.records import Record, clamp_times
from mostread.core.retention import DEDUP_REREAD_MS
from mostread.core.skipped import SkippedRange, readable_ranges
from mostread.errors import KafkaUnavailable, LogInconsistent
from mostread.infra.clock import now_ms


@dataclass
class PartitionRecount:
    """The recount of a partition.

    `kept_until` is the start of the last window to copy (epoch seconds, inclusive), or None if the
    log is complete; `earlier_outcomes` and `earlier_lost` are those of records that are not
    recounted.
    """

    number: int
    counter: PartitionCounter
    kept_until: int | None
    earlier_outcomes: Outcomes = field(default_factory=Outcomes)
    earlier_lost: int = 0


class Forgetters(NamedTuple):
    """Forgetters of the new tables and of those in use."""

    staging: Forgetter
    current: Forgetter


class Recounter:
    """Counts the partitions of a topic into new tables.

    A complete log is counted from its first record on. Otherwise counting starts like partition
    recovery: after the dedup window of the first retained records, on counters copied from the
    tables in use, whose checkpoints are `current`. Ranges in `skipped` are passed, each partition's
    sorted by offset. Every method raises KafkaUnavailable, ClickHouseUnavailable, Misconfigured,
    and UnreadableBatch for what is not skipped.
    """

    def __init__(
        self,
        settings: AggregatorSettings,
        log: EventTopic,
        repository: CounterRepository,
        epoch: Epoch,
        current: Mapping[int, Checkpoint],
        *,
        skipped: Mapping[int, Sequence[SkippedRange]],
        forgetters: Forgetters,
    ) -> None:
        self._settings = settings
        self._log = log
        self._repository = repository
        self._epoch = epoch
        self._current = current
        self._skipped = skipped
        self._forgetters = forgetters
        self._counted_until = {number: each.next_offset for number, each in current.items()}
        self.forgets: list[tuple[int, Forget]] = []
        """The forgets that were counted, with their partitions."""
        self._partitions: list[PartitionRecount] = []

    async def start(self) -> dict[int, int]:
        """Prepare all partitions; return `kept_until` of those with counters to copy.

        Raises LogInconsistent.
        """
        for number, (first, end) in (await self._ends()).items():
            current = self._current.get(number)
            if current and current.next_offset > end:
                raise LogInconsistent(
                    f"partition {number} ends at offset {end}, but {current.next_offset} of its "
                    "records are counted, and a rebuild would lose those counts; restore the log"
                )
            self._partitions.append(await self._start_partition(number, first, end))
        return {p.number: p.kept_until for p in self._partitions if p.kept_until is not None}

    async def lag(self) -> int:
        """Return the number of records that are not counted yet."""
        ends = await self._stable_ends()
        return sum(ends[p.number] - p.counter.next_offset for p in self._partitions)

    async def catch_up(self, report_progress: Callable[[int], None]) -> None:
        """Count to the end of the log or the first open transaction.

        Reports the number of records counted.
        """
        requested_at = now_ms()
        ends, stable_ends = await self._ends(), await self._stable_ends()
        for partition in self._partitions:
            current = self._current.get(partition.number)
            if current and partition.kept_until is not None:
                await self._count_to(partition, current.next_offset, report_progress)
                # Up to here, outcomes are those of the tables in use.
                recounted = partition.counter.checkpoint()
                partition.earlier_outcomes = _subtract(current.outcomes, recounted.outcomes)
                expired = recounted.next_offset - current.next_offset
                partition.earlier_lost = current.lost - recounted.lost + expired
                self._current = {n: c for n, c in self._current.items() if n != partition.number}
            await self._count_to(partition, stable_ends[partition.number], report_progress)
        rows = [
            self._checkpoint_row(partition, requested_at, ends[partition.number][1])
            for partition in self._partitions
        ]
        await asyncio.to_thread(self._repository.write_checkpoints, self._epoch, rows)

    async def _ends(self) -> dict[int, tuple[int, int]]:
        return await self._log.offset_ranges(range(self._epoch.topic.partitions))

    async def _stable_ends(self) -> dict[int, int]:
        return await self._log.stable_ends(range(self._epoch.topic.partitions))

    async def _start_partition(self, number: int, first: int, end: int) -> PartitionRecount:
        start, remember_from = None, 0
        for each in self._skipped.get(number, ()):
            if each.counted_until > each.first_offset:  # counted, and cannot be counted again
                first = max(first, each.next_offset)
        if first > 0:
            start, remember_from = await self._find_start(number, first, end)
        capacity = self._settings.aggregator_counter_cache_size
        counter = PartitionCounter(
            start,
            lateness=self._settings.allowed_lateness,
            counter_capacity=capacity // self._epoch.topic.partitions,
        )
        if start is None:
            return PartitionRecount(number, counter, None)
        async for records in self._read(number, remember_from, start.next_offset):
            counter.remember(records)
        return PartitionRecount(number, counter, (start.record_time + MAX_FUTURE_MS) // 1000)

    async def _find_start(self, number: int, first: int, end: int) -> tuple[Checkpoint, int]:
        """Return the checkpoint to start counting from, and the offset to read ids from."""
        time = await self._first_record_time(number, first, end)
        current = self._current.get(number)
        if current is None:
            return Checkpoint(first, time, Outcomes()), first
        offset = await self._log.offset_at(number, time + DEDUP_REREAD_MS)
        if offset is not None and offset < current.next_offset:
            return Checkpoint(offset, time + DEDUP_REREAD_MS, Outcomes()), first
        remember_from = await self._log.offset_at(number, current.record_time - DEDUP_REREAD_MS)
        start = max(first, current.next_offset)
        return (
            Checkpoint(start, current.record_time, Outcomes()),
            start if remember_from is None else remember_from,
        )

    async def _first_record_time(self, number: int, first: int, end: int) -> int:
        async for records in self._read(number, first, end):
            return clamp_times(records)[1][0]
        return 0

    async def _read(
        self, number: int, start: int, until: int
    ) -> AsyncGenerator[Sequence[Record], None]:
        for part in readable_ranges(start, until, self._skipped.get(number, ())):
            async for records in self._log.read(number, part.start, part.stop):
                yield records

    async def _count_to(
        self, partition: PartitionRecount, end: int, report_progress: Callable[[int], None]
    ) -> None:
        counter = partition.counter
        for each in self._skipped.get(partition.number, ()):
            if counter.next_offset < each.next_offset <= end:
                await self._count_readable(partition, each.first_offset, report_progress)
                lost = each.next_offset - max(counter.next_offset, each.first_offset)
                counter.advance(each.next_offset, lost)
        await self._count_readable(partition, end, report_progress)

    async def _count_readable(
        self, partition: PartitionRecount, end: int, report_progress: Callable[[int], None]
    ) -> None:
        counter = partition.counter
        async for records in self._log.read(partition.number, counter.next_offset, end):
            counter.count(records)
            await self._check_gaps(partition.number, counter.take_gaps())
            report_progress(len(records))
            if counter.open_size >= self._settings.aggregator_max_buffered_bytes:
                await self._flush(partition)
        await self._check_gaps(partition.number, [range(counter.next_offset, end)])
        counter.advance(max(counter.next_offset, end))
        await self._flush(partition)

    async def _check_gaps(self, number: int, gaps: Sequence[range]) -> None:
        """Raise KafkaUnavailable if one of the `gaps` between records is due to retention."""
        if not any(gaps):
            return
        begin, _ = (await self._log.offset_ranges([number]))[number]
        for gap in gaps:
            if gap.start < min(gap.stop, begin):
                raise KafkaUnavailable(
                    f"retention removed records of partition {number} from offset {gap.start} on "
                    "before they were recounted; run `mostread rebuild --discard`"
                )

    async def _flush(self, partition: PartitionRecount) -> None:
        """Write the counters of the open batch; its dead letters are in their topic already."""
        batch = partition.counter.close()
        if batch is None:
            return
        missing = [(partition.number, key) for key in batch.missing]
        stored = await asyncio.to_thread(self._repository.counters, self._epoch, missing)
        looked_up = {row.key: row.counter for row in stored}
        rows = [
            CounterRow(partition.number, key, counter)
            for key, counter in batch.apply(looked_up).counters
        ]
        await asyncio.to_thread(self._repository.write_counters, self._epoch, rows)
        if batch.forgets:
            await self._forget(partition.number, batch.forgets)

    async def _forget(self, number: int, forgets: Sequence[Forget]) -> None:
        """Apply the forgets of a batch.

        Those that no worker has counted yet also remove what a rebuild does not count: imports, the
        numbers of earlier topics, and sketches. The others have done so, and what is there now came
        after them.
        """
        counted_until = self._counted_until.get(number, 0)
        counted = [each for each in forgets if each.offset < counted_until]
        new = [each for each in forgets if each.offset >= counted_until]
        staging, current = self._forgetters
        if counted:
            await asyncio.to_thread(
                staging.forget_counters, self._epoch, {number: counted}, others=False
            )
        if new:
            await asyncio.to_thread(staging.forget_counters, self._epoch, {number: new})
            await asyncio.to_thread(current.forget_sketches, self._epoch, {number: new})
        self.forgets += [(number, each) for each in forgets]

    def _checkpoint_row(
        self, partition: PartitionRecount, requested_at: int, end: int
    ) -> CheckpointRow:
        checkpoint = partition.counter.checkpoint()
        checkpoint.outcomes.add(partition.earlier_outcomes)
        checkpoint.lost += partition.earlier_lost
        watermark = Watermark().update(
            requested_at,
            end=end,
            next_offset=checkpoint.next_offset,
            last_time=partition.counter.last_time,
        )
        return CheckpointRow(partition.number, checkpoint, watermark)


def _subtract(total: Outcomes, part: Outcomes) -> Outcomes:
    return Outcomes(*(getattr(total, f.name) - getattr(part, f.name) for f in fields(Outcomes)))
