"""The log counted anew, partition by partition, as a worker counts it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.repository import CheckpointRow, CounterRepository, CounterRow, Epoch
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.core.counting.batch import MAX_FUTURE_MS, Outcomes
from mostread.core.counting.partition import Checkpoint, PartitionCounter
from mostread.core.retention import DEDUP_REREAD_MS
from mostread.errors import LogInconsistent
from mostread.infra.clock import now_ms


@dataclass
class Partition:
    """The counting of one partition, and what became of the events that it does not count."""

    number: int
    count: PartitionCounter
    kept_until: int | None
    before: Outcomes = field(default_factory=Outcomes)


class Recount:
    """Counts the partitions of a topic into new tables.

    Where the log has all of a partition that is from its first record on. Else it begins as a
    worker takes over: a little behind the first record that is left, knowing the ids up to
    there, on counters that were copied from the `old` tables. Every method raises
    KafkaUnavailable, ClickHouseUnavailable and Misconfigured.
    """

    def __init__(
        self,
        settings: AggregatorSettings,
        log: EventTopic,
        store: CounterRepository,
        epoch: Epoch,
        old: Mapping[int, Checkpoint],
    ) -> None:
        self._settings = settings
        self._log = log
        self._store = store
        self._epoch = epoch
        self._old = old
        self._partitions: list[Partition] = []

    async def begin(self) -> dict[int, int]:
        """Begin with each partition, and return from which of them counters must be copied.

        That is, by number of the partition, of all windows that start until then (epoch
        seconds, inclusive). Raises LogInconsistent.
        """
        for number, (first, end) in (await self._ends()).items():
            old = self._old.get(number)
            if old and old.next_offset > end:
                raise LogInconsistent(
                    f"partition {number} ends at offset {end}, but {old.next_offset} records "
                    "of it are counted: what is missing would be lost from the counters too"
                )
            self._partitions.append(await self._begin(number, first, end))
        return {p.number: p.kept_until for p in self._partitions if p.kept_until is not None}

    async def left(self) -> int:
        """Return how many records the log holds that are not counted yet."""
        ends = await self._ends()
        return sum(ends[p.number][1] - p.count.next_offset for p in self._partitions)

    async def catch_up(self, counted: Callable[[int], None]) -> None:
        """Count to the end of the log as it is now; call `counted` with how many records were."""
        asked_at, ends = now_ms(), await self._ends()
        for partition in self._partitions:
            old = self._old.get(partition.number)
            if old and partition.kept_until is not None:
                await self._count_to(partition, old.next_offset, counted)
                # What the old tables say became of all events until there stays true.
                partition.before = _less(old.outcomes, partition.count.checkpoint().outcomes)
                self._old = {n: p for n, p in self._old.items() if n != partition.number}
            await self._count_to(partition, ends[partition.number][1], counted)
        rows = [self._checkpoint(partition, asked_at) for partition in self._partitions]
        await asyncio.to_thread(self._store.write_checkpoints, self._epoch, rows)

    async def _ends(self) -> dict[int, tuple[int, int]]:
        return await self._log.ends(range(self._epoch.topic.partitions))

    async def _begin(self, number: int, first: int, end: int) -> Partition:
        start, past = None, 0
        if first > 0:
            start, past = await self._behind(number, first, end)
        capacity = self._settings.aggregator_counter_cache_size
        count = PartitionCounter(
            start,
            lateness=self._settings.allowed_lateness,
            counter_capacity=capacity // self._epoch.topic.partitions,
        )
        if start is None:
            return Partition(number, count, None)
        async for records in self._log.read(number, past, start.next_offset):
            count.remember(records)
        return Partition(number, count, (start.record_time + MAX_FUTURE_MS) // 1000)

    async def _behind(self, number: int, first: int, end: int) -> tuple[Checkpoint, int]:
        """Return where to begin in a log that begins at `first`, and from where to know ids."""
        time = await self._time_of_first(number, first, end)
        old = self._old.get(number)
        if old is None:
            return Checkpoint(first, time, Outcomes()), first
        offset = await self._log.offset_at(number, time + DEDUP_REREAD_MS)
        if offset is not None and offset < old.next_offset:
            return Checkpoint(offset, time + DEDUP_REREAD_MS, Outcomes()), first
        past = await self._log.offset_at(number, old.record_time - DEDUP_REREAD_MS)
        start = max(first, old.next_offset)
        return Checkpoint(start, old.record_time, Outcomes()), start if past is None else past

    async def _time_of_first(self, number: int, first: int, end: int) -> int:
        async for records in self._log.read(number, first, end):
            return records[0].timestamp
        return 0

    async def _count_to(
        self, partition: Partition, end: int, counted: Callable[[int], None]
    ) -> None:
        count = partition.count
        async for records in self._log.read(partition.number, count.next_offset, end):
            count.count(records)
            counted(len(records))
            if count.open_size >= self._settings.aggregator_max_buffered_bytes:
                await self._write(partition)
        await self._write(partition)

    async def _write(self, partition: Partition) -> None:
        """Write the counters of what was gathered. Its dead letters were written long ago."""
        batch = partition.count.close()
        if batch is None:
            return
        missing = [(partition.number, key) for key in batch.missing]
        found = await asyncio.to_thread(self._store.counters, self._epoch, missing)
        looked_up = {row.key: row.counter for row in found}
        rows = [
            CounterRow(partition.number, key, counter)
            for key, counter in batch.apply(looked_up).counters
        ]
        await asyncio.to_thread(self._store.write_counters, self._epoch, rows)

    def _checkpoint(self, partition: Partition, asked_at: int) -> CheckpointRow:
        checkpoint = partition.count.checkpoint()
        checkpoint.outcomes.add(partition.before)
        return CheckpointRow(partition.number, checkpoint, max(asked_at, checkpoint.record_time))


def _less(whole: Outcomes, part: Outcomes) -> Outcomes:
    return Outcomes(*(getattr(whole, f.name) - getattr(part, f.name) for f in fields(Outcomes)))
