"""Counters of the assigned partitions, among them partitions that stopped."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mostread.aggregator.metrics import Loss
from mostread.aggregator.repository import Epoch
from mostread.aggregator.stream.assignment import Assignment, Message
from mostread.aggregator.stream.fetch_errors import REFUSED_SECONDS
from mostread.aggregator.watermark import Watermark
from mostread.core.counting.partition import PartitionCounter
from mostread.core.records import Record
from mostread.core.skipped import SkippedRange
from mostread.errors import FetchRefused, MostreadError, UnreadableBatch


@dataclass
class StoppedPartition:
    """A partition that cannot be counted, `since` a time of time.monotonic().

    Its records below `counted_until` are counted. `is_reported` says that the log has why
    `aggregator_skip_after` cannot skip it.
    """

    error: MostreadError
    counted_until: int
    since: float = field(default_factory=time.monotonic)
    is_reported: bool = False


@dataclass(frozen=True)
class RefusedPartition:
    """A partition of which a broker refuses fetches, `since` a time of time.monotonic()."""

    error: FetchRefused
    since: float

    @property
    def is_lasting(self) -> bool:
        """Whether a new leader would have answered by now."""
        return time.monotonic() - self.since > REFUSED_SECONDS


@dataclass
class AssignedCounters:
    """Counters and watermarks of an assignment, and its unacknowledged messages.

    `losses` are those that no checkpoint contains yet. `removed` are the first offsets of
    partitions that retention has emptied, as of the last checkpoint. A partition in `stopped` has a
    counter unless it could not be recovered. One in `refused` is still fetched, and continues by
    itself. Hold `lock` to write a checkpoint, and to add counters.
    """

    assignment: Assignment
    epoch: Epoch
    counters: dict[int, PartitionCounter]
    watermarks: dict[int, Watermark] = field(default_factory=lambda: defaultdict(Watermark))
    unacked: list[Message] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    removed: dict[int, int] = field(default_factory=dict)
    skipped: dict[int, Sequence[SkippedRange]] = field(default_factory=dict)
    stopped: dict[int, StoppedPartition] = field(default_factory=dict)
    refused: Mapping[int, RefusedPartition] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def buffered_bytes(self) -> int:
        """Memory of the open batches in bytes."""
        return sum(counter.open_size for counter in self.counters.values())

    def count(self, partition: int, records: Sequence[Record]) -> None:
        """Count `records` without those of skipped ranges.

        Skipped records may become readable, as by another leader. No reader of the log counts
        them, or the others would differ. Raises LogInconsistent.
        """
        counter = self.counters[partition]
        for each in self.skipped.get(partition, ()):
            if records and records[0].offset < each.next_offset:
                if records[-1].offset < each.first_offset:
                    break
                counter.count([r for r in records if r.offset < each.first_offset])
                self._pass(each)
                records = [r for r in records if r.offset >= each.next_offset]
        counter.count(records)

    def skip(self, partition: int, skipped: Sequence[SkippedRange], offset: int) -> None:
        """Pass the ranges among `skipped` that begin at or before `offset`; remember the others."""
        self.skipped[partition] = skipped
        for each in skipped:
            if each.first_offset <= max(offset, self.counters[partition].next_offset):
                self._pass(each)

    def lose(self, loss: Loss) -> None:
        """Move beyond offsets that cannot be counted; the next checkpoint reports them."""
        counter = self.counters[loss.partition]
        counter.advance(max(counter.next_offset, loss.offsets.stop), len(loss.offsets))
        self.losses.append(loss)

    def stop(self, partition: int, error: MostreadError, counted_until: int) -> None:
        """Note why a partition cannot be counted, and since when."""
        before = self.stopped.get(partition)
        if before is None or _cause(before.error) != _cause(error):
            self.stopped[partition] = StoppedPartition(error, counted_until)

    def standing(self) -> dict[int, MostreadError]:
        """Return why partitions are not counted, by partition."""
        refused = {n: each.error for n, each in self.refused.items() if each.is_lasting}
        return {**refused, **{n: each.error for n, each in self.stopped.items()}}

    def add(self, recovered: "AssignedCounters") -> None:
        """Add partitions that were recovered after the others."""
        self.counters |= recovered.counters
        self.watermarks |= recovered.watermarks
        self.skipped |= recovered.skipped
        self.losses += recovered.losses

    def starts(self) -> Mapping[int, int]:
        """Return the next offset to count of each partition that is read."""
        return {
            number: counter.next_offset
            for number, counter in self.counters.items()
            if number not in self.stopped
        }

    def _pass(self, skipped: SkippedRange) -> None:
        start = max(self.counters[skipped.partition].next_offset, skipped.first_offset)
        if offsets := range(start, skipped.next_offset):
            self.lose(Loss(skipped.partition, offsets, "skipped"))


def _cause(error: MostreadError) -> object:
    return error.offset if isinstance(error, UnreadableBatch) else str(error)
