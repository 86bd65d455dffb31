"""One worker: the partitions it was assigned, their counting, and the flush into the store.

Faust's agent hands in lists of records, which are counted in memory at once. A flush closes
what was gathered and takes it into ClickHouse: counters first, then progress; only then are
the messages acknowledged, and Faust commits their offsets. While a flush is on its way the
counting goes on, up to `flush_bytes`; beyond that the agent waits, and Kafka keeps the rest.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mostread import logs
from mostread.aggregator.dead_letters import DeadLetters
from mostread.aggregator.log import EventLog
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.patience import Patience, SupersededError
from mostread.aggregator.settings import AggregatorSettings
from mostread.aggregator.store import CounterRow, ProgressRow, Store
from mostread.clock import now_ms
from mostread.engagement.duplicates import MEMORY_MS
from mostread.engagement.partition import PartitionCount, Position, Settlement
from mostread.engagement.record import Record
from mostread.engagement.stretch import Outcomes
from mostread.errors import LogInconsistent
from mostread.kafka.topics import Topic

log = logs.get(__name__)
Result = TypeVar("Result")


@dataclass
class Assigned:
    """A partition of ours: its counting, and the messages that wait for their flush."""

    count: PartitionCount
    messages: list[Any] = field(default_factory=list)


@dataclass
class Flush:
    """What one flush takes into the store."""

    partitions: dict[int, Assigned]
    ends: dict[int, tuple[int, int]]
    asked_at: int
    settlements: dict[int, Settlement] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    messages: list[Any] = field(default_factory=list)


class Worker:
    """Counts the partitions of the current generation of the consumer group."""

    def __init__(
        self,
        settings: AggregatorSettings,
        *,
        store: Store,
        event_log: EventLog,
        dead_letters: DeadLetters,
        metrics: AggregatorMetrics,
        patience: Patience,
    ) -> None:
        self._settings = settings
        self._store = store
        self._log = event_log
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._generation = -1
        self._topic: Topic | None = None
        self._partitions: dict[int, Assigned] = {}
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._flushed_at = time.monotonic()

    @property
    def assigned(self) -> bool:
        """Whether the group has given us our partitions, which may be none."""
        return self._topic is not None

    @property
    def seconds_since_flush(self) -> float:
        """How long ago the last flush ended."""
        return time.monotonic() - self._flushed_at

    def close(self) -> None:
        # What hangs in a call to a server is not waited for.
        self._thread.shutdown(wait=False, cancel_futures=True)

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
        self._topic = None
        self._room.set()

        def still_ours() -> bool:
            return current_generation() == generation

        try:
            topic = await self._patience.until_done("kafka", self._log.topic, still_ours=still_ours)
            found = await self._ask_store(self._store.positions, topic, still_ours=still_ours)
            loaded = {
                partition: Assigned(
                    await self._patience.until_done(
                        "kafka",
                        functools.partial(
                            self._load, partition, found.get(partition), len(partitions)
                        ),
                        still_ours=still_ours,
                    )
                )
                for partition in partitions
            }
        except SupersededError:
            return {}
        if not still_ours():
            return {}
        self._topic, self._partitions = topic, loaded
        log.info("partitions_assigned", partitions=sorted(partitions), generation=generation)
        return {number: each.count.next_offset for number, each in loaded.items()}

    async def _load(self, partition: int, position: Position | None, share: int) -> PartitionCount:
        """Return the counting of `partition` from `position` on, knowing its recent ids.

        Raises LogInconsistent where the log ends before what was counted of it.
        """
        begin, end = (await self._log.ends([partition]))[partition]
        next_offset = position.next_offset if position else 0
        if end < next_offset:
            raise LogInconsistent(
                f"partition {partition} ends at offset {end}, but {next_offset} records of it are "
                "counted: Kafka has lost acknowledged records; restore them, or see "
                "docs/operations.md"
            )
        if position:
            self._report_lost(partition, range(next_offset, begin))
        counting = PartitionCount(
            position,
            lateness=self._settings.lateness,
            capacity=self._settings.aggregator_counters // share,
        )
        if position and position.record_time >= 0:
            since = position.record_time - MEMORY_MS
            async for records in self._log.reread(partition, since=since, until=next_offset):
                counting.remember(records)
                await asyncio.sleep(0)
        return counting

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
        while self._open_bytes() >= self._settings.aggregator_flush_bytes:
            self._room.clear()
            self._due.set()
            await self._room.wait()

    async def run(self) -> None:
        """Flush for ever: every `flush_seconds`, and at once when there is much."""
        interval = self._settings.aggregator_flush_seconds
        while True:
            began = time.monotonic()
            await self.flush()
            self._due.clear()
            if self._open_bytes() < self._settings.aggregator_flush_bytes:
                rest = max(0.0, began + interval - time.monotonic())
                try:
                    await asyncio.wait_for(self._due.wait(), rest)
                except TimeoutError:
                    continue

    async def flush(self) -> None:
        """Take all that was gathered into the store. Raises LogInconsistent."""
        async with self._flushing:
            topic, generation = self._topic, self._generation
            if topic is not None:
                try:
                    await self._flush(topic, lambda: self._generation == generation)
                except SupersededError:
                    log.info("flush_superseded", generation=generation)
            self._flushed_at = time.monotonic()

    async def _flush(self, topic: Topic, still_ours: Callable[[], bool]) -> None:
        flush = await self._patience.until_done(
            "kafka", functools.partial(self._close, topic, still_ours), still_ours=still_ours
        )
        with self._metrics.flushes.time():
            rows = await self._apply(topic, flush, still_ours)
            dead = [(number, line) for number, s in flush.settlements.items() for line in s.dead]
            if dead:
                await self._patience.in_thread(
                    "kafka",
                    self._thread,
                    functools.partial(self._dead_letters.write, topic.name, dead),
                    still_ours=still_ours,
                )
            await self._ask_store(self._store.write_counters, topic, rows, still_ours=still_ours)
            progress = [
                ProgressRow(number, position, self._as_of(flush, number))
                for number, position in flush.positions.items()
            ]
            await self._ask_store(
                self._store.write_progress, topic, progress, still_ours=still_ours
            )
        if not still_ours():
            raise SupersededError
        for message in flush.messages:
            message.ack()
        self._measure(flush, rows, progress)

    async def _close(self, topic: Topic, still_ours: Callable[[], bool]) -> Flush:
        """Close what was gathered, once it is sure that the log is still the one it came from."""
        asked_at = now_ms()
        found = await self._log.topic()
        if found.id != topic.id:
            raise TopicRemadeError(
                f"the topic {topic.name} was deleted and made again; starting anew"
            )
        partitions = self._partitions
        ends = await self._log.ends(list(partitions))
        if not still_ours():
            raise SupersededError
        flush = Flush(partitions, ends, asked_at)
        for number, each in partitions.items():
            settlement = each.count.close()
            if settlement is not None:
                flush.settlements[number] = settlement
                begin = ends[number][0]
                for gap in settlement.gaps:
                    self._report_lost(number, range(gap.start, min(gap.stop, begin)))
            flush.positions[number] = each.count.position()
            flush.messages += each.messages
            each.messages = []
        self._room.set()
        return flush

    def _report_lost(self, partition: int, offsets: range) -> None:
        """Say that Kafka's retention removed records before they were counted, if it did."""
        if offsets:
            log.error("records_lost", partition=partition, first=offsets.start, lost=len(offsets))
            self._metrics.lost.inc(len(offsets))

    async def _apply(
        self, topic: Topic, flush: Flush, still_ours: Callable[[], bool]
    ) -> list[CounterRow]:
        """Return the rows to write, having looked up the counters that are not in memory."""
        missing = [(n, key) for n, s in flush.settlements.items() for key in s.missing]
        looked_up: dict[int, dict[Any, Any]] = {number: {} for number in flush.settlements}
        if missing:
            self._metrics.looked_up.inc(len(missing))
            found = await self._ask_store(
                self._store.counters, topic, missing, still_ours=still_ours
            )
            for partition, key, counter in found:
                looked_up[partition][key] = counter
        return [
            CounterRow(number, key, counter)
            for number, settlement in flush.settlements.items()
            for key, counter in flush.partitions[number].count.apply(settlement, looked_up[number])
        ]

    def _as_of(self, flush: Flush, number: int) -> int:
        """Return up to when (ms) every event received is counted.

        Where the partition is counted to its end, that is when its end was asked for; else
        the time of the last record counted, of which another may have been written since.
        """
        position = flush.positions[number]
        if position.next_offset >= flush.ends[number][1]:
            return max(flush.asked_at, position.record_time)
        return max(position.record_time - 1, 0)

    def _measure(
        self, flush: Flush, rows: Sequence[CounterRow], progress: Sequence[ProgressRow]
    ) -> None:
        total = Outcomes()
        for settlement in flush.settlements.values():
            total.add(settlement.outcomes)
        for outcome in ("counted", "duplicate", "late", "dead_lettered"):
            self._metrics.events.labels(outcome).inc(getattr(total, outcome))
        self._metrics.rows.labels("counters").inc(len(rows))
        self._metrics.rows.labels("progress").inc(len(progress))
        self._metrics.lag.clear()
        self._metrics.as_of.clear()
        for number, position, as_of in progress:
            lag = max(0, flush.ends[number][1] - position.next_offset)
            self._metrics.lag.labels(number).set(lag)
            self._metrics.as_of.labels(number).set(as_of / 1000)
        self._metrics.open_bytes.set(self._open_bytes())
        self._metrics.remembered.set(sum(p.count.remembered for p in self._partitions.values()))

    def _open_bytes(self) -> int:
        return sum(each.count.open_size for each in self._partitions.values())

    async def _ask_store(
        self, call: Callable[..., Result], *arguments: object, still_ours: Callable[[], bool]
    ) -> Result:
        return await self._patience.in_thread(
            "clickhouse",
            self._thread,
            functools.partial(call, *arguments),
            still_ours=still_ours,
        )


class TopicRemadeError(Exception):
    """The topic is another than the one counted: only a new start can count it from its begin."""
