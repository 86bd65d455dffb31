"""The part of the events topic that Kafka still has, and where counting of it can start."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from mostread.aggregator.stream.event_topic import EventTopic
from mostread.core.counting.batch import Outcomes
from mostread.core.counting.partition import Checkpoint, PartitionCounter
from mostread.core.records import Record, clamp_times
from mostread.core.retention import DEDUP_REREAD_MS
from mostread.core.skipped import SkippedRange, readable_ranges
from mostread.errors import KafkaUnavailable

ReportProgress = Callable[[int], None]
"""Called with the number of records counted since the previous call."""

Flush = Callable[[PartitionCounter], Awaitable[None]]
"""Closes the open batch of a counter."""


class Start(NamedTuple):
    """Where counting of a partition starts; ids are read from the offset `remember_from` on."""

    checkpoint: Checkpoint
    remember_from: int


class RetainedLog:
    """The records of a topic's partitions, without skipped ranges.

    Every method raises KafkaUnavailable, and UnreadableBatch for what is not skipped.
    """

    def __init__(
        self,
        log: EventTopic,
        partitions: int,
        skipped: Mapping[int, Sequence[SkippedRange]],
        *,
        batch_bytes: int,
    ) -> None:
        """`skipped` has each partition's ranges sorted by offset.

        A batch is flushed when it takes `batch_bytes` of memory.
        """
        self._log = log
        self._partitions = range(partitions)
        self._skipped = skipped
        self._batch_bytes = batch_bytes

    async def ends(self) -> dict[int, tuple[int, int]]:
        """Return the first offset of each partition, and the one after its last."""
        return await self._log.offset_ranges(self._partitions)

    async def stable_ends(self) -> dict[int, int]:
        """Return the end of each partition, or the first offset of an open transaction."""
        return await self._log.stable_ends(self._partitions)

    async def find_start(
        self, number: int, first: int, end: int, current: Checkpoint | None
    ) -> Start | None:
        """Return where counting of a partition starts that has the offsets from `first` to `end`.

        None stands for a complete log. Otherwise counting starts after the dedup window of the
        first records, and at the latest at the checkpoint `current` of the tables in use.
        """
        for each in self._skipped.get(number, ()):
            if each.counted_until > each.first_offset:  # counted, and cannot be counted again
                first = max(first, each.next_offset)
        if first == 0:
            return None
        time = await self._first_record_time(number, first, end)
        if current is None:
            return Start(Checkpoint(first, time, Outcomes()), first)
        offset = await self._log.offset_at(number, time + DEDUP_REREAD_MS)
        if offset is not None and offset < current.next_offset:
            return Start(Checkpoint(offset, time + DEDUP_REREAD_MS, Outcomes()), first)
        remember_from = await self._log.offset_at(number, current.record_time - DEDUP_REREAD_MS)
        start = max(first, current.next_offset)
        return Start(
            Checkpoint(start, current.record_time, Outcomes()),
            start if remember_from is None else remember_from,
        )

    async def later_start(self, number: int, start: Start | None, time: int) -> Start | None:
        """Return `start`, or the first record at `time` (ms) or later if that comes after it."""
        offset = await self._log.offset_at(number, time)
        remember_from = await self._log.offset_at(number, time - DEDUP_REREAD_MS)
        if offset is None or remember_from is None:
            return start
        if start is not None and offset <= start.checkpoint.next_offset:
            return start
        return Start(Checkpoint(offset, max(0, time), Outcomes()), remember_from)

    async def remember(self, counter: PartitionCounter, number: int, start: Start | None) -> None:
        """Show a counter the ids before its start."""
        if start is None:
            return
        async for records in self._read(number, start.remember_from, start.checkpoint.next_offset):
            counter.remember(records)

    async def count(
        self,
        counter: PartitionCounter,
        number: int,
        end: int,
        flush: Flush,
        report_progress: ReportProgress,
    ) -> None:
        """Count the records of a partition below `end`, and flush them.

        Raises KafkaUnavailable if retention removes some of them meanwhile.
        """
        for each in self._skipped.get(number, ()):
            if counter.next_offset < each.next_offset <= end:
                await self._count_readable(
                    counter, number, each.first_offset, flush, report_progress
                )
                lost = each.next_offset - max(counter.next_offset, each.first_offset)
                counter.advance(each.next_offset, lost)
        await self._count_readable(counter, number, end, flush, report_progress)

    async def _count_readable(
        self,
        counter: PartitionCounter,
        number: int,
        end: int,
        flush: Flush,
        report_progress: ReportProgress,
    ) -> None:
        async for records in self._log.read(number, counter.next_offset, end):
            counter.count(records)
            await self._check_gaps(number, counter.take_gaps())
            report_progress(len(records))
            if counter.open_size >= self._batch_bytes:
                await flush(counter)
        await self._check_gaps(number, [range(counter.next_offset, end)])
        counter.advance(max(counter.next_offset, end))
        await flush(counter)

    async def _check_gaps(self, number: int, gaps: Sequence[range]) -> None:
        """Raise KafkaUnavailable if one of the `gaps` between records is due to retention."""
        if not any(gaps):
            return
        begin, _ = (await self._log.offset_ranges([number]))[number]
        for gap in gaps:
            if gap.start < min(gap.stop, begin):
                raise KafkaUnavailable(
                    f"retention removed records of partition {number} from offset {gap.start} on "
                    "before they were recounted; run it again, `mostread rebuild` with --discard"
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
