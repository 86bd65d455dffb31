"""One flush: what was gathered goes into the store, and only then is it acknowledged.

Dead letters first, then counters, then checkpoints. Whatever fails on the way is tried again; a
crash in between leaves counters ahead of checkpoints, which is right (engagement/partition.py).
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mostread.aggregator.repository import CheckpointRow, Count, CounterRow, SketchRow
from mostread.aggregator.retry import SupersededError
from mostread.aggregator.servers import Servers
from mostread.core.counting.batch import Outcomes
from mostread.core.counting.counters import new_tuple
from mostread.core.counting.partition import PartitionCount, Position, Settlement
from mostread.core.counting.visitor_sketch import Sketches
from mostread.errors import StaleEpoch
from mostread.infra.clock import now_ms


@dataclass
class Assigned:
    """A partition of ours: its counting, and the messages that wait for their flush."""

    count: PartitionCount
    sketches: Sketches
    messages: list[Any] = field(default_factory=list)


class Flush:
    """A flush of `partitions`, which belong to one generation of the group."""

    def __init__(
        self,
        servers: Servers,
        count: Count,
        partitions: Mapping[int, Assigned],
        still_ours: Callable[[], bool],
    ) -> None:
        self._servers = servers
        self._count = count
        self._partitions = partitions
        self._still_ours = still_ours
        self._asked_at = 0
        self._ends: dict[int, tuple[int, int]] = {}
        self._settlements: dict[int, Settlement] = {}
        self._positions: dict[int, Position] = {}
        self._messages: list[Any] = []

    async def close(self) -> None:
        """Close what was gathered, once it is sure that the log is still the one it came from.

        Raises StaleEpoch where it is not, and SupersededError.
        """
        await self._servers.patience.until_done("kafka", self._ask_log, still_ours=self._still_ours)
        if not self._still_ours():
            raise SupersededError
        for number, each in self._partitions.items():
            settlement = each.count.close()
            if settlement is not None:
                self._settlements[number] = settlement
                begin = self._ends[number][0]
                for gap in settlement.gaps:
                    self._servers.report_lost(number, range(gap.start, min(gap.stop, begin)))
            self._positions[number] = each.count.position()
            self._messages += each.messages
            each.messages = []

    async def write(self) -> None:
        """Take what was closed into the store, and acknowledge it.

        Raises SupersededError, and StaleEpoch where the tables were rebuilt.
        """
        ask_store = functools.partial(self._servers.ask_store, still_ours=self._still_ours)
        store, count = self._servers.store, self._count
        with self._servers.metrics.flushes.time():
            rows = await self._rows()
            dead = [(number, line) for number, s in self._settlements.items() for line in s.dead]
            await self._servers.write_dead_letters(
                count.topic.name, dead, still_ours=self._still_ours
            )
            await ask_store(store.write_counters, count, rows)
            sketches = self._sketches()
            await ask_store(store.write_sketches, count, sketches)
            checkpoints = [
                CheckpointRow(number, position, self._watermark(number))
                for number, position in self._positions.items()
            ]
            await ask_store(store.write_checkpoints, count, checkpoints)
        if not self._still_ours():
            raise SupersededError
        for message in self._messages:
            message.ack()
        self._measure(checkpoints)

    async def _ask_log(self) -> None:
        """Ask where the partitions end, before what was gathered is closed."""
        self._asked_at = now_ms()
        found = await self._servers.log.topic()
        if found.id != self._count.topic.id:
            raise StaleEpoch(f"the topic {found.name} was deleted and made again")
        self._ends = await self._servers.log.ends(list(self._partitions))

    async def _rows(self) -> list[CounterRow]:
        """Return the rows to write, having looked up the counters that are not in memory."""
        missing = [(n, key) for n, s in self._settlements.items() for key in s.missing]
        looked_up: dict[int, dict[Any, Any]] = {number: {} for number in self._settlements}
        if missing:
            self._servers.metrics.looked_up.inc(len(missing))
            found = await self._servers.ask_store(
                self._servers.store.counters, self._count, missing, still_ours=self._still_ours
            )
            for partition, key, counter in found:
                looked_up[partition][key] = counter
        return [
            new_tuple(CounterRow, (number, key, counter))
            for number, settlement in self._settlements.items()
            for key, counter in self._partitions[number].count.apply(settlement, looked_up[number])
        ]

    def _sketches(self) -> list[SketchRow]:
        return [
            SketchRow(number, key, sketch)
            for number, settlement in self._settlements.items()
            for key, sketch in self._partitions[number].sketches.apply(
                settlement.seen, settlement.last, settlement.position.record_time
            )
        ]

    def _watermark(self, number: int) -> int:
        """Return up to when (ms) every event received is counted.

        Where the partition is counted to its end, that is when its end was asked for; else
        the time of the last record counted, of which another may have been written since.
        """
        position = self._positions[number]
        if position.next_offset >= self._ends[number][1]:
            return max(self._asked_at, position.record_time)
        return max(position.record_time - 1, 0)

    def _measure(self, checkpoints: Sequence[CheckpointRow]) -> None:
        metrics = self._servers.metrics
        total = Outcomes()
        for settlement in self._settlements.values():
            total.add(settlement.outcomes)
        for outcome in ("counted", "duplicate", "late", "dead_lettered"):
            metrics.events.labels(outcome).inc(getattr(total, outcome))
        metrics.received.inc(total.received)
        if total.received:
            metrics.flush_events.observe(total.received)
        self._servers.lag.counted(
            {row.partition: row.position.next_offset for row in checkpoints},
            {number: end for number, (_, end) in self._ends.items()},
        )
        metrics.watermark.clear()
        for number, _, watermark in checkpoints:
            metrics.watermark.labels(number).set(watermark / 1000)
        counts = [each.count for each in self._partitions.values()]
        metrics.open_bytes.set(sum(count.open_size for count in counts))
        metrics.remembered.set(sum(count.remembered for count in counts))
