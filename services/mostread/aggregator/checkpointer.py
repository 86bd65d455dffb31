"""Checkpoints: write counted batches to ClickHouse, then acknowledge their messages.

Dead letters first, then counters, sketches, forgets and the checkpoint. Every step is retried until
it succeeds; a crash in between leaves counters ahead of the checkpoint, which is safe
(core/counting/partition.py).
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from mostread.aggregator.assigned import AssignedCounters
from mostread.aggregator.dead_letter_writer import DeadLetterWriter
from mostread.aggregator.empty_offsets import pass_empty_offsets
from mostread.aggregator.forgetter import Forgetter
from mostread.aggregator.lag import Lag
from mostread.aggregator.metrics import AggregatorMetrics, Loss
from mostread.aggregator.repository import CheckpointRow, CounterRepository, CounterRow, SketchRow
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stream.assignment import Message
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.aggregator.watchdog import Watchdog
from mostread.core.counting.batch import Outcomes
from mostread.core.counting.counters import Counter, CounterKey, new_tuple
from mostread.core.counting.partition import ClosedBatch
from mostread.errors import StaleEpoch
from mostread.infra.clock import now_ms
from mostread.infra.logging import get_logger

log = get_logger(__name__)


@dataclass
class _Pending:
    """Everything one checkpoint writes, acknowledges and reports."""

    batches: dict[int, ClosedBatch]
    rows: list[CheckpointRow]
    messages: list[Message]
    losses: list[Loss]

    @property
    def next_offsets(self) -> dict[int, int]:
        """Next offset to count of each partition."""
        return {row.partition: row.checkpoint.next_offset for row in self.rows}


class Checkpointer:
    """Writes everything counted to ClickHouse, then acknowledges it."""

    def __init__(
        self,
        *,
        topic: EventTopic,
        repository: CounterRepository,
        forgetter: Forgetter,
        dead_letters: DeadLetterWriter,
        retrier: Retrier,
        metrics: AggregatorMetrics,
        lag: Lag,
        watchdog: Watchdog,
        executor: Executor,
    ) -> None:
        """`executor` runs blocking calls of the writers, in one thread."""
        self._topic = topic
        self._repository = repository
        self._forgetter = forgetter
        self._dead_letters = dead_letters
        self._retrier = retrier
        self._metrics = metrics
        self._lag = lag
        self._watchdog = watchdog
        self._executor = executor

    async def run(self, assigned: AssignedCounters, on_closed: Callable[[], None]) -> None:
        """Write all counted records, and acknowledge them.

        Calls `on_closed` once the open batches are closed and there is room for new ones. Raises
        SupersededError, and StaleEpoch if the topic was recreated or the tables rebuilt.
        """
        kafka = partial(self._retrier.call, "kafka", assignment=assigned.assignment)
        gaps = {number: counter.take_gaps() for number, counter in assigned.counters.items()}
        requested_at, ranges = await kafka(partial(self._read_offset_ranges, assigned))
        for number, (begin, _) in ranges.items():
            # Above `begin`, which never falls, the gap holds markers and aborted records.
            for gap in gaps[number]:
                if offsets := range(gap.start, min(gap.stop, begin)):
                    assigned.lose(Loss(number, offsets, "retention"))
        stable_ends = await kafka(partial(pass_empty_offsets, assigned, ranges, self._topic))
        assigned.assignment.ensure_current()
        pending = self._close(assigned, requested_at, ranges)
        on_closed()
        with self._metrics.flush_duration.time():
            await self._write(assigned, pending)
        assigned.assignment.ensure_current()
        for message in pending.messages:
            message.ack()
        self._report(assigned, pending, requested_at, ranges)
        # Records behind an open transaction are not work yet.
        next_offsets = pending.next_offsets
        reading = next_offsets.keys() - assigned.standing().keys()
        ends = {**{number: end for number, (_, end) in ranges.items()}, **stable_ends}
        self._watchdog.report_checkpoint({n: next_offsets[n] for n in reading}, ends)

    async def _read_offset_ranges(
        self, assigned: AssignedCounters
    ) -> tuple[int, dict[int, tuple[int, int]]]:
        """Return the time (ms), and the start and end of each partition."""
        requested_at = now_ms()
        topic = await self._topic.describe()
        if topic.id != assigned.epoch.topic.id:
            raise StaleEpoch(f"the topic {topic.name} was deleted and recreated")
        counted = {number: c.next_offset for number, c in assigned.counters.items()}
        ranges = await self._topic.offset_ranges(list(counted))
        for number, next_offset in counted.items():
            if ranges[number][1] < next_offset and number not in assigned.stopped:
                # Recovery stops the partition. The stream would count new ones at old offsets.
                raise StaleEpoch(f"partition {number} of {topic.name} has lost counted records")
        return requested_at, ranges

    def _close(
        self, assigned: AssignedCounters, requested_at: int, ranges: dict[int, tuple[int, int]]
    ) -> _Pending:
        pending = _Pending({}, [], assigned.unacked, assigned.losses)
        assigned.unacked, assigned.losses = [], []
        for number, counter in assigned.counters.items():
            batch = counter.close()
            if batch is not None:
                pending.batches[number] = batch
            checkpoint = counter.checkpoint()
            watermark = assigned.watermarks[number].update(
                requested_at,
                end=ranges[number][1],
                next_offset=checkpoint.next_offset,
                last_time=counter.last_time,
            )
            pending.rows.append(CheckpointRow(number, checkpoint, watermark))
        return pending

    async def _write(self, assigned: AssignedCounters, pending: _Pending) -> None:
        epoch, repository = assigned.epoch, self._repository
        in_thread = partial(
            self._retrier.call_in_thread,
            "clickhouse",
            self._executor,
            assignment=assigned.assignment,
        )
        counters, sketches = self._apply(pending, await self._look_up(assigned, pending))
        dead = [(number, line) for number, batch in pending.batches.items() for line in batch.dead]
        if dead:
            await self._retrier.call_in_thread(
                "kafka",
                self._executor,
                self._dead_letters.write,
                epoch.topic.name,
                dead,
                assignment=assigned.assignment,
            )
        await in_thread(repository.write_counters, epoch, counters)
        await in_thread(repository.write_sketches, epoch, sketches)
        forgets = {number: b.forgets for number, b in pending.batches.items() if b.forgets}
        if forgets:
            await in_thread(self._forgetter.forget, epoch, forgets)
            for number, each in forgets.items():
                log.info("forgotten", partition=number, forgets=[f._asdict() for f in each])
        await in_thread(repository.write_checkpoints, epoch, pending.rows)
        # Even if superseded now: the partition's next owner finds them in the checkpoint.
        for loss in pending.losses:
            self._metrics.report_loss(loss)

    async def _look_up(
        self, assigned: AssignedCounters, pending: _Pending
    ) -> dict[int, dict[CounterKey, Counter]]:
        """Return the stored counters that are not cached, by partition."""
        missing = [
            (number, key) for number, batch in pending.batches.items() for key in batch.missing
        ]
        counters: dict[int, dict[CounterKey, Counter]] = {number: {} for number in pending.batches}
        if missing:
            self._metrics.cache_misses.inc(len(missing))
            for partition, key, counter in await self._retrier.call_in_thread(
                "clickhouse",
                self._executor,
                self._repository.counters,
                assigned.epoch,
                missing,
                assignment=assigned.assignment,
            ):
                counters[partition][key] = counter
        return counters

    def _apply(
        self, pending: _Pending, looked_up: dict[int, dict[CounterKey, Counter]]
    ) -> tuple[list[CounterRow], list[SketchRow]]:
        counters: list[CounterRow] = []
        sketches: list[SketchRow] = []
        for number, batch in pending.batches.items():
            writes = batch.apply(looked_up[number])
            counters += [
                new_tuple(CounterRow, (number, key, counter)) for key, counter in writes.counters
            ]
            sketches += [SketchRow(number, key, sketch) for key, sketch in writes.sketches]
        return counters, sketches

    def _report(
        self,
        assigned: AssignedCounters,
        pending: _Pending,
        requested_at: int,
        ranges: dict[int, tuple[int, int]],
    ) -> None:
        outcomes = Outcomes()
        for batch in pending.batches.values():
            outcomes.add(batch.outcomes)
        self._metrics.report_flush(
            outcomes,
            watermarks={row.partition: row.watermark for row in pending.rows},
            ahead={
                row.partition: max(0, row.checkpoint.record_time - requested_at)
                for row in pending.rows
            },
            buffered_bytes=assigned.buffered_bytes,
            dedup_ids=sum(counter.dedup_ids for counter in assigned.counters.values()),
        )
        ends = {number: end for number, (_, end) in ranges.items()}
        self._lag.update(pending.next_offsets, ends)
