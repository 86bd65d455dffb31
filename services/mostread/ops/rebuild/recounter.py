"""Recount of the log into new tables with the aggregator's counting, by partition."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import NamedTuple

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.forgetter import Forgetter
from mostread.aggregator.repository import CheckpointRow, CounterRepository, CounterRow, Epoch
from mostread.aggregator.watermark import Watermark
from mostread.core.control import Forget
from mostread.core.counting.batch import MAX_FUTURE_MS, Outcomes
from mostread.core.counting.counters import Counter, CounterKey
from mostread.core.counting.exclusions import AllExcept, Exclusions
from mostread.core.counting.partition import Checkpoint, PartitionCounter
from mostread.core.counting.revision import Revision
from mostread.core.exclusions import Exclusion
from mostread.errors import LogInconsistent
from mostread.infra.clock import now_ms
from mostread.ops.rebuild.retained_log import ReportProgress, RetainedLog, Start


@dataclass
class PartitionRecount:
    """The recount of a partition.

    `start` is None if the log is complete; `earlier_outcomes` and `earlier_lost` are those of
    records that are not recounted.
    """

    number: int
    counter: PartitionCounter
    start: Start | None
    earlier_outcomes: Outcomes = field(default_factory=Outcomes)
    earlier_lost: int = 0

    @property
    def kept_until(self) -> int | None:
        """The start of the last window to copy (epoch seconds, inclusive), if any."""
        if self.start is None:
            return None
        return (self.start.checkpoint.record_time + MAX_FUTURE_MS) // 1000


class Forgetters(NamedTuple):
    """Forgetters of the new tables and of those in use."""

    staging: Forgetter
    current: Forgetter


class Recounter:
    """Counts the partitions of a topic into new tables.

    A complete log is counted from its first record on. Otherwise counting starts like partition
    recovery: after the dedup window of the first retained records, on counters copied from the
    tables in use, whose checkpoints are `current`. Every method raises KafkaUnavailable,
    ClickHouseUnavailable, Misconfigured, and UnreadableBatch for what is not skipped.
    """

    def __init__(
        self,
        settings: AggregatorSettings,
        log: RetainedLog,
        repository: CounterRepository,
        epoch: Epoch,
        current: Mapping[int, Checkpoint],
        *,
        forgetters: Forgetters,
    ) -> None:
        self._settings = settings
        self._log = log
        self._repository = repository
        self._epoch = epoch
        self._current = current
        self._forgetters = forgetters
        self._counted_until = {number: each.next_offset for number, each in current.items()}
        self.forgets: list[tuple[int, Forget]] = []
        """The forgets that were counted, with their partitions."""
        self._partitions: list[PartitionRecount] = []

    async def start(self) -> dict[int, int]:
        """Prepare all partitions; return `kept_until` of those with counters to copy.

        Raises LogInconsistent.
        """
        exclusions = Exclusions(self._epoch.exclusions)
        for number, (first, end) in (await self._log.ends()).items():
            current = self._current.get(number)
            if current and current.next_offset > end:
                raise LogInconsistent(
                    f"partition {number} ends at offset {end}, but {current.next_offset} of its "
                    "records are counted, and a rebuild would lose those counts; restore the log"
                )
            start = await self._log.find_start(number, first, end, current)
            counter = await self._counter(number, start, exclusions)
            self._partitions.append(PartitionRecount(number, counter, start))
        return {p.number: p.kept_until for p in self._partitions if p.kept_until is not None}

    async def revise(self, before: Sequence[Exclusion], report_progress: ReportProgress) -> None:
        """Change copied counters from the exclusions `before` to those of the new tables.

        Call it after the copy, and before `catch_up`. Events that the log has lost stay as they
        are.
        """
        old, new = Exclusions(before), Exclusions(self._epoch.exclusions)
        changes = []
        if set(self._epoch.exclusions) - set(before):
            changes.append((-1, AllExcept(old, new)))
        if set(before) - set(self._epoch.exclusions):
            changes.append((1, AllExcept(new, old)))
        ends = await self._log.stable_ends()
        for partition in self._partitions:
            if changes and partition.start is not None:
                await self._revise(partition, changes, ends[partition.number], report_progress)

    async def lag(self) -> int:
        """Return the number of records that are not counted yet."""
        ends = await self._log.stable_ends()
        return sum(ends[p.number] - p.counter.next_offset for p in self._partitions)

    async def catch_up(self, report_progress: ReportProgress) -> None:
        """Count to the end of the log or the first open transaction."""
        requested_at = now_ms()
        ends, stable_ends = await self._log.ends(), await self._log.stable_ends()
        for partition in self._partitions:
            current = self._current.get(partition.number)
            if current and partition.start is not None:
                await self._count_to(partition, current.next_offset, report_progress)
                # Up to here, outcomes are those of the tables in use.
                recounted = partition.counter.checkpoint()
                partition.earlier_outcomes.add(_subtract(current.outcomes, recounted.outcomes))
                expired = recounted.next_offset - current.next_offset
                partition.earlier_lost = current.lost - recounted.lost + expired
                self._current = {n: c for n, c in self._current.items() if n != partition.number}
            await self._count_to(partition, stable_ends[partition.number], report_progress)
        rows = [
            self._checkpoint_row(partition, requested_at, ends[partition.number][1])
            for partition in self._partitions
        ]
        await asyncio.to_thread(self._repository.write_checkpoints, self._epoch, rows)

    async def _counter(
        self, number: int, start: Start | None, exclusions: Exclusions
    ) -> PartitionCounter:
        """Return the counter of a partition at its start, with the ids before it."""
        capacity = self._settings.aggregator_counter_cache_size
        counter = PartitionCounter(
            start.checkpoint if start else None,
            lateness=self._settings.allowed_lateness,
            counter_capacity=capacity // self._epoch.topic.partitions,
            exclusions=exclusions,
        )
        await self._log.remember(counter, number, start)
        return counter

    async def _count_to(
        self, partition: PartitionRecount, end: int, report_progress: ReportProgress
    ) -> None:
        flush = partial(self._flush, partition.number)
        await self._log.count(partition.counter, partition.number, end, flush, report_progress)

    async def _flush(self, number: int, counter: PartitionCounter) -> None:
        """Write the counters of the open batch; its dead letters are in their topic already."""
        batch = counter.close()
        if batch is None:
            return
        looked_up = await self._look_up(number, batch.missing)
        await self._write(number, batch.apply(looked_up).counters)
        if batch.forgets:
            await self._forget(number, batch.forgets)

    async def _revise(
        self,
        partition: PartitionRecount,
        changes: Sequence[tuple[int, AllExcept]],
        end: int,
        report_progress: ReportProgress,
    ) -> None:
        number, current = partition.number, self._current.get(partition.number)
        sums: dict[CounterKey, Counter] = {}
        for sign, exclusions in changes:
            changed = _ChangedEvents(partial(self._look_up, number))
            counter = await self._counter(number, partition.start, exclusions)
            count = partial(self._log.count, counter, number)
            if current:
                await count(current.next_offset, changed.flush, report_progress)
                outcomes = counter.checkpoint().outcomes
                events = sign * (outcomes.counted + outcomes.late)
                partition.earlier_outcomes.add(
                    Outcomes(
                        counted=sign * outcomes.counted,
                        late=sign * outcomes.late,
                        excluded=-events,
                    )
                )
            await count(end, changed.flush, report_progress)
            for key, (views, comments, likes) in changed.revision.changes.items():
                row = sums.get(key) or changed.stored[key]
                sums[key] = Counter(
                    row.views + sign * views,
                    row.comments + sign * comments,
                    row.likes + sign * likes,
                    row.version,
                )
        # At the same version as the copied ones: ClickHouse keeps what was inserted last.
        await self._write(number, list(sums.items()))

    async def _look_up(self, number: int, keys: Sequence[CounterKey]) -> dict[CounterKey, Counter]:
        rows = await asyncio.to_thread(
            self._repository.counters, self._epoch, [(number, key) for key in keys]
        )
        return {row.key: row.counter for row in rows}

    async def _write(self, number: int, counters: Sequence[tuple[CounterKey, Counter]]) -> None:
        rows = [CounterRow(number, key, counter) for key, counter in counters]
        await asyncio.to_thread(self._repository.write_counters, self._epoch, rows)

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


class _ChangedEvents:
    """The events of a partition that a change of exclusions counts differently.

    `stored` are the copied counters of their keys.
    """

    def __init__(
        self, look_up: Callable[[Sequence[CounterKey]], Awaitable[dict[CounterKey, Counter]]]
    ) -> None:
        self.revision = Revision()
        self.stored: dict[CounterKey, Counter] = {}
        self._look_up = look_up

    async def flush(self, counter: PartitionCounter) -> None:
        batch = counter.close()
        if batch is not None:
            unknown = [key for key in batch.added if key not in self.stored]
            self.stored.update(await self._look_up(unknown))
            stored = self.stored
            versions = {key: stored[key].version for key in batch.added if key in stored}
            self.revision.add(batch, versions)


def _subtract(total: Outcomes, part: Outcomes) -> Outcomes:
    return Outcomes(*(getattr(total, f.name) - getattr(part, f.name) for f in fields(Outcomes)))
