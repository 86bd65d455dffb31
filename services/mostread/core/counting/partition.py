"""Exact counting of one partition, through repeats, crashes and duplicate writes.

A counter is a pure function of the partition's log up to its version, the offset of the last
record counted into it. Exactness rests on three consequences:

- counting starts at `next_offset`, which is stored after the counters; a counter may therefore be
  ahead of it, never behind;
- a counter whose version lies within or beyond a batch already contains that part of it, and only
  the rest is added;
- writing a counter twice, or an old one late, changes nothing: the highest version wins.

A forget is part of the log: from its offset on, the function begins at nothing. A key without an
event behind it has a row of zeros at that offset, so that rows of before lose against it.

Offsets without a record to count belong to no version. `next_offset` moves over them, so that a
partition counted to its end stands at its end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mostread.core.control import Forget
from mostread.core.counting.batch import MAX_FUTURE_MS, AllowedLateness, OpenBatch, Outcomes
from mostread.core.counting.counters import NOTHING, Counter, CounterCache, CounterKey, new_tuple
from mostread.core.counting.dedup import DedupWindow, Mask, bucket_of, identities
from mostread.core.counting.exclusions import NO_EXCLUSIONS, Exclusions
from mostread.core.counting.forgets import LastForgets
from mostread.core.counting.visitor_sketch import Sketch, SketchCache, SketchKey
from mostread.core.records import DeadLine, Decoded, Record, clamp_times, decode
from mostread.errors import LogInconsistent

PIECE_BYTES = 512 << 10
"""Bytes of records to count at once. Their events are read several times, which takes a sixth less
time while they fit the processor's cache."""


@dataclass
class Checkpoint:
    """How far a partition is counted, and the outcomes of its events.

    Every record below `next_offset` is counted, except for those of the `lost` offsets, which
    nobody could count: retention removed them before, or they were skipped as unreadable.
    `record_time` is the highest timestamp of a counted record in milliseconds, -1 if there are
    none.
    """

    next_offset: int
    record_time: int
    outcomes: Outcomes
    lost: int = 0


class RecordClock:
    """Record time of a partition: the highest timestamp so far, in milliseconds."""

    def __init__(self, now: int) -> None:
        self.now = now

    def split(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Yield `records` by dedup bucket with clamped times, advancing the clock."""
        records, times = clamp_times(records)
        start = 0
        if times and bucket_of(max(self.now, *times)) != bucket_of(max(self.now, times[0])):
            for index, time in enumerate(times):
                if index > start and bucket_of(time) > bucket_of(self.now):
                    yield records[start:index]
                    start = index
                self.now = max(self.now, time)
        if start < len(times):
            self.now = max(self.now, *times)
            yield records[start:]


def pieces(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Yield `records` in pieces of about PIECE_BYTES."""
    size = sum([len(record.value or b"") for record in records])
    step = max(1, len(records) * PIECE_BYTES // max(1, size))
    for start in range(0, len(records), step):
        yield records[start : start + step]


_UNCHANGED = [0, 0, 0]
"""Increments of a counter that already contains all of its events in the batch."""


class Writes(NamedTuple):
    """Rows that a batch adds to ClickHouse."""

    counters: list[tuple[CounterKey, Counter]]
    sketches: list[tuple[SketchKey, Sketch]]


class ClosedBatch:
    """A closed batch, which applies itself to its partition's counters and sketches.

    `missing` holds the keys to look up first, `checkpoint` what to store after the writes,
    `outcomes`, `dead`, `forgets`, `sample` and `added` (views, comments and likes by key) describe
    the batch itself.
    """

    def __init__(
        self,
        batch: OpenBatch,
        checkpoint: Checkpoint,
        counters: CounterCache,
        sketches: SketchCache,
    ) -> None:
        self.checkpoint = checkpoint
        self.outcomes = batch.outcomes
        self.dead: list[DeadLine] = batch.dead
        self.forgets: list[Forget] = batch.forgets
        self.sample = batch.sample
        self._batch = batch
        self._counters = counters
        self._sketches = sketches
        self.added = batch.increments()
        self._cached = counters.find(self.added)  # in the order of `added`
        self.missing: list[CounterKey] = [
            key for key, counter in zip(self.added, self._cached, strict=True) if counter is None
        ]

    def apply(self, looked_up: Mapping[CounterKey, Counter]) -> Writes:
        """Return the rows to write, each at the version of the batch's last record.

        `looked_up` holds the stored counters of `missing`; a key without one was never counted.
        Batches of a partition are applied in the order in which they were closed, each once.

        A key that is forgotten, and not counted again, is written as zeros at the offset of its
        forget. The caller writes those of all other keys that are stored.
        """
        batch, added = self._batch, self.added
        first, last = batch.first, batch.last
        stored = [
            looked_up.get(key, NOTHING) if counter is None else counter
            for key, counter in zip(added, self._cached, strict=True)
        ]
        counters = stored
        forgets = LastForgets(batch.forgets)
        if forgets:
            counters = list(map(forgets.apply, added, stored))
            self._counters.replace(forgets.apply)
        partly = {
            key: counter.version
            for key, counter in zip(added, counters, strict=True)
            if first <= counter.version < last
        }
        if partly:
            above = batch.increments_above(partly)
            added.update((key, above.get(key, _UNCHANGED)) for key in partly)  # the order stays
        known, written = [], []
        for (key, numbers), counter in zip(added.items(), counters, strict=True):
            if counter.version >= last or numbers is _UNCHANGED:
                known.append((key, counter))
            else:
                views, comments, likes = numbers
                row = (counter[0] + views, counter[1] + comments, counter[2] + likes, last)
                written.append((key, new_tuple(Counter, row)))
        self._counters.store(known)
        self._counters.store(written)
        if forgets:
            changed = zip(added, stored, counters, strict=True)
            zeros = {key for key, before, after in changed if before is not after}
            written += [row for row in known if row[0] in zeros]
        sketches = self._sketches.apply(batch.sample, last, batch.last_time, forgets)
        return Writes(written, sketches)

    def increments_up_to(self, versions: Mapping[CounterKey, int]) -> dict[CounterKey, list[int]]:
        """Return what the records up to its version add to each key of `versions`."""
        batch = self._batch
        parts = {key: self.added[key] for key in versions if key in self.added}
        partly = {key: versions[key] for key in parts if versions[key] < batch.last}
        above = batch.increments_above(partly) if partly else {}
        for key, later in above.items():
            parts[key] = [all_ - number for all_, number in zip(parts[key], later, strict=True)]
        return parts


class PartitionCounter:
    """Counter of one partition's records, in the order of their offsets.

    `count` adds to the open batch and `close` ends it; the closed batch applies itself. While one
    batch is being applied, the next may be open.
    """

    def __init__(
        self,
        start: Checkpoint | None,
        *,
        lateness: AllowedLateness,
        counter_capacity: int,
        sketch_capacity: int = 0,
        exclusions: Exclusions = NO_EXCLUSIONS,
    ) -> None:
        """Start at the checkpoint `start`, None for a partition that was never counted.

        The capacities limit the counters and sketches kept in memory. `exclusions` are those of the
        tables that it counts into.
        """
        self._lateness = lateness
        self._exclusions = exclusions
        self._next_offset = start.next_offset if start else 0
        self._clock = RecordClock(start.record_time if start else -1)
        self._past = RecordClock(-1)
        self._last_time = -1
        self._outcomes = Outcomes(**vars(start.outcomes)) if start else Outcomes()
        self._lost = start.lost if start else 0
        self._gaps: list[range] = []
        self._dedup = DedupWindow()
        self._open = OpenBatch(self._next_offset, lateness, exclusions)
        self._counters = CounterCache(
            counter_capacity,
            # The upper bound, not the setting: it may have been larger when they were counted.
            counted_until=start.record_time + MAX_FUTURE_MS
            if start and start.record_time >= 0
            else None,
        )
        self._sketches = SketchCache(sketch_capacity)

    @property
    def next_offset(self) -> int:
        """Offset of the next record to count."""
        return self._next_offset

    @property
    def last_time(self) -> int:
        """Timestamp of the record counted last, in milliseconds; -1 before the first."""
        return self._last_time

    @property
    def is_idle(self) -> bool:
        """Whether no record was counted since the last close."""
        return self._open.last < 0

    @property
    def open_size(self) -> int:
        """Memory of the open batch in bytes."""
        return self._open.size

    @property
    def dedup_ids(self) -> int:
        """Number of identities stored to detect duplicates."""
        return len(self._dedup)

    def load_sketches(self, sketches: Iterable[tuple[SketchKey, Sketch]]) -> None:
        """Load the stored visitor sketches of the partition."""
        self._sketches.load(sketches)

    def remember(self, records: Sequence[Record]) -> None:
        """Store the ids of records below the start, to detect their duplicates.

        The records cover the last DEDUP_REREAD_MS before the start, in order.
        """
        for part in self._past.split(records):
            self._observe(decode(part), self._past)

    def count(self, records: Sequence[Record]) -> None:
        """Count `records`, which follow those counted before; see `take_gaps` for gaps.

        Raises LogInconsistent for a record that was counted before: the log was rewritten, as
        when its topic was deleted and recreated.
        """
        if not records:
            return
        if records[0].offset < self._next_offset:
            raise LogInconsistent(
                f"offset {records[0].offset} came after {self._next_offset - 1} was counted; "
                "the topic was rewritten or recreated"
            )
        if records[0].offset > self._next_offset:
            self._gaps.append(range(self._next_offset, records[0].offset))
        for part in self._clock.split(records):
            self._last_time = part[-1].timestamp
            for piece in pieces(part):
                decoded = decode(piece)
                self._open.add(piece, decoded, self._observe(decoded, self._clock))
        self._next_offset = records[-1].offset + 1

    def advance(self, next_offset: int, lost: int = 0) -> None:
        """Move to `next_offset`, over offsets that hold no record to count.

        Kafka's own markers, records of aborted transactions, and what compaction removed are
        nothing to count. `lost` offsets held records that nobody could count; they may also lie
        below the current position, in a gap. Raises LogInconsistent for an offset that was passed
        before.
        """
        if next_offset < self._next_offset:
            raise LogInconsistent(
                f"cannot move from offset {self._next_offset} back to {next_offset}"
            )
        if self.is_idle:
            self._open.first = next_offset
        self._next_offset = next_offset
        self._lost += lost

    def take_gaps(self) -> list[range]:
        """Return the offsets that `count` has passed without a record since the last call."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def close(self) -> ClosedBatch | None:
        """Close the open batch; return None if it is empty."""
        batch = self._open
        if batch.last < 0:
            return None
        self._open = OpenBatch(self._next_offset, self._lateness, self._exclusions)
        self._outcomes.add(batch.outcomes)
        return ClosedBatch(batch, self.checkpoint(), self._counters, self._sketches)

    def checkpoint(self) -> Checkpoint:
        """Return how far the closed batches reach."""
        outcomes = Outcomes(**vars(self._outcomes))
        return Checkpoint(self._open.first, self._clock.now, outcomes, self._lost)

    def _observe(self, decoded: Decoded, clock: RecordClock) -> Mask:
        return self._dedup.observe(identities(decoded.events), bucket_of(clock.now))
