"""The counting of one partition: exact whatever is repeated, cut off or written twice.

A counter is a pure function of the partition's log up to its version, the offset of the last
record counted into it. All that follows rests on this:

- what is counted starts at `next_offset`, which is stored after the counters are; so a
  counter may be ahead of it, never behind;
- a counter whose version lies in or beyond a stretch has counted that part of it already,
  and only the rest is added;
- writing a counter twice, or an old one late, changes nothing: the highest version is right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mostread.core.counting.batch import LONGEST_FUTURE_MS, Lateness, Outcomes, Stretch
from mostread.core.counting.counters import NOTHING, Counter, CounterCache, CounterKey, new_tuple
from mostread.core.counting.dedup import DuplicateWindow, Mask, generation_of
from mostread.core.counting.visitor_sketch import Seen
from mostread.core.records import DeadLine, Decoded, Record, decode
from mostread.errors import LogInconsistent


@dataclass
class Position:
    """How far a partition is counted, and what became of its events.

    Every record below `next_offset` is counted; `record_time` is the highest timestamp among
    them, in milliseconds, -1 where there is none.
    """

    next_offset: int
    record_time: int
    outcomes: Outcomes


class RecordClock:
    """The record time of a partition: the highest timestamp so far, which never falls."""

    def __init__(self, now: int) -> None:
        self.now = now

    def cut(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Yield `records` cut where time enters another generation; each part at its time."""
        times = [record.timestamp for record in records]
        start = 0
        if times and generation_of(max(self.now, *times)) != generation_of(max(self.now, times[0])):
            for index, time in enumerate(times):
                if index > start and generation_of(time) > generation_of(self.now):
                    yield records[start:index]
                    start = index
                self.now = max(self.now, time)
        if start < len(times):
            self.now = max(self.now, *times)
            yield records[start:]


@dataclass
class Settlement:
    """A closed stretch on its way into the store.

    `last` is the offset of its last record, `seen` the views that were looked at closer, and
    `missing` are the keys whose counters must be looked up before it can be applied.
    """

    position: Position
    outcomes: Outcomes
    dead: list[DeadLine]
    gaps: list[range]
    seen: Seen
    last: int
    missing: list[CounterKey]
    _stretch: Stretch
    _added: dict[CounterKey, list[int]]
    _found: list[Counter | None]  # in the order of `_added`


class PartitionCount:
    """Counts the records of one partition in the order of their offsets.

    `count` gathers a stretch, `close` ends it, `apply` turns it into counters. While one
    stretch is being applied the next may be gathered; stretches are applied in their order.
    """

    def __init__(self, start: Position | None, *, lateness: Lateness, capacity: int) -> None:
        """Begin at `start`, None for a partition of which nothing was counted yet.

        `capacity` bounds the counters kept in memory.
        """
        self._lateness = lateness
        self._next_offset = start.next_offset if start else 0
        self._clock = RecordClock(start.record_time if start else -1)
        self._past = RecordClock(-1)
        self._outcomes = Outcomes(**vars(start.outcomes)) if start else Outcomes()
        self._duplicates = DuplicateWindow()
        self._open = Stretch(self._next_offset, lateness)
        self._counters = CounterCache(
            capacity,
            # Not the setting's own bound: it may have been larger when they were counted.
            counted_until=start.record_time + LONGEST_FUTURE_MS
            if start and start.record_time >= 0
            else None,
        )

    @property
    def next_offset(self) -> int:
        """The offset of the next record to count."""
        return self._next_offset

    @property
    def open_size(self) -> int:
        """The memory, in bytes, of what was gathered since the last close."""
        return self._open.size

    @property
    def remembered(self) -> int:
        """The number of ids kept to know duplicates."""
        return len(self._duplicates)

    def remember(self, records: Sequence[Record]) -> None:
        """Take in the ids of records below the start, so that their duplicates are known.

        The records are those of the last MEMORY_MS before the start, in their order.
        """
        for part in self._past.cut(records):
            self._observe(decode(part), self._past)

    def count(self, records: Sequence[Record]) -> None:
        """Count `records`, which follow those counted before; offsets may leave gaps.

        Raises LogInconsistent where a record was counted before: the log was rewritten, as
        when its topic was deleted and made again.
        """
        if records and records[0].offset < self._next_offset:
            raise LogInconsistent(
                f"offset {records[0].offset} came after {self._next_offset - 1} was counted; "
                "the topic was rewritten or made again"
            )
        if records and records[0].offset > self._next_offset:
            self._open.gaps.append(range(self._next_offset, records[0].offset))
        for part in self._clock.cut(records):
            decoded = decode(part)
            self._open.add(part, decoded, self._observe(decoded, self._clock))
        if records:
            self._next_offset = records[-1].offset + 1

    def close(self) -> Settlement | None:
        """End the open stretch and begin the next; None where it is empty."""
        stretch = self._open
        if stretch.last < 0:
            return None
        self._open = Stretch(self._next_offset, self._lateness)
        self._outcomes.add(stretch.outcomes)
        added = stretch.numbers()
        found = self._counters.find(added)
        return Settlement(
            position=self.position(),
            outcomes=stretch.outcomes,
            dead=stretch.dead,
            gaps=stretch.gaps,
            seen=stretch.seen,
            last=stretch.last,
            missing=[key for key, counter in zip(added, found, strict=True) if counter is None],
            _stretch=stretch,
            _added=added,
            _found=found,
        )

    def position(self) -> Position:
        """Return how far the closed stretches reach."""
        return Position(self._open.first, self._clock.now, Outcomes(**vars(self._outcomes)))

    def apply(
        self, settlement: Settlement, looked_up: Mapping[CounterKey, Counter]
    ) -> list[tuple[CounterKey, Counter]]:
        """Return the counters to write, each at the version of the stretch's last record.

        `looked_up` holds what the store has of `settlement.missing`; a key that it lacks was
        never counted.
        """
        stretch = settlement._stretch
        added, first, last = settlement._added, stretch.first, stretch.last
        counters = [
            looked_up.get(key, NOTHING) if counter is None else counter
            for key, counter in zip(added, settlement._found, strict=True)
        ]
        partly = {
            key: counter.version
            for key, counter in zip(added, counters, strict=True)
            if first <= counter.version < last
        }
        if partly:
            added.update(stretch.numbers_above(partly))  # keys that are there: the order stays
        known, written = [], []
        for (key, (views, comments, likes)), counter in zip(added.items(), counters, strict=True):
            if counter.version >= last:
                known.append((key, counter))
            else:
                row = (counter[0] + views, counter[1] + comments, counter[2] + likes, last)
                written.append((key, new_tuple(Counter, row)))
        self._counters.store(known)
        self._counters.store(written)
        return written

    def _observe(self, decoded: Decoded, clock: RecordClock) -> Mask:
        ids = [event.id for event in decoded.events]
        return self._duplicates.observe(ids, generation_of(clock.now))
