"""A stretch of a partition's log: what was counted since the last flush, not yet applied."""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mostread.core.counting.counters import HOUR, MINUTE, MINUTE_MS, CounterKey, new_tuple
from mostread.core.counting.visitor_sketch import Seen
from mostread.core.events import EventType
from mostread.core.records import DeadLine, Decoded, Record, decode

LONGEST_FUTURE_MS = 60 * MINUTE_MS
"""The most that `Lateness.future_ms` may be: no event counts further ahead of its record."""

LATE = -1
"""The minute of an event that is counted in total and in no window."""

CELL_BYTES = 500
"""What a cell takes in memory, with the counters it adds to, more or less."""

_COLUMN: dict[EventType, int] = {"view": 0, "comment": 1, "like": 2}

Cell = tuple[str, str, int, EventType, int]
"""Site, article, minute since the epoch (or LATE), type, delta."""


@dataclass(frozen=True)
class Lateness:
    """How far an event's timestamp may lie from its record's, in milliseconds."""

    late_ms: int = 24 * 60 * MINUTE_MS
    future_ms: int = MINUTE_MS

    def minute(self, timestamp: int | None, record_time: int) -> int:
        """Return the minute since the epoch in which an event counts, or LATE.

        Without a timestamp an event happened when its record was written, and so it did
        where its timestamp lies too far in the future.
        """
        if timestamp is None or timestamp > record_time + self.future_ms:
            timestamp = record_time
        elif timestamp < record_time - self.late_ms:
            return LATE
        return timestamp // MINUTE_MS


@dataclass
class Outcomes:
    """What became of events: received = counted + duplicate + late + dead_lettered."""

    received: int = 0
    counted: int = 0
    duplicate: int = 0
    late: int = 0
    dead_lettered: int = 0

    def add(self, other: "Outcomes") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


class Chunk(NamedTuple):
    """Records that were counted together, and which of their events were duplicates."""

    records: Sequence[Record]
    duplicates: NDArray[np.intp]


@dataclass
class Stretch:
    """Everything counted from the record at `first` on; `last` is the last one's offset.

    The records stay with their stretch until it is applied: where a counter turns out to
    have counted a part of it already, the rest is counted again from them. `gaps`
    are the offsets that never came: Kafka's own marks, or what its retention removed.
    """

    first: int
    lateness: Lateness
    last: int = -1
    record_bytes: int = 0
    tally: Tally[Cell] = field(default_factory=Tally)
    outcomes: Outcomes = field(default_factory=Outcomes)
    dead: list[DeadLine] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    gaps: list[range] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)

    def add(
        self, records: Sequence[Record], decoded: Decoded, duplicate: NDArray[np.bool_]
    ) -> None:
        """Count the events of `records` that are no duplicates."""
        duplicates = np.flatnonzero(duplicate)
        chunk = Chunk(records, duplicates)
        events = decoded.events
        fresh = events
        if len(duplicates):
            fresh = [
                event for event, seen in zip(events, duplicate.tolist(), strict=True) if not seen
            ]
        late = 0
        if self._all_in_time(decoded, records):
            self.tally.update(
                [
                    (e.site, e.article_id, e.timestamp // MINUTE_MS, e.type, e.delta)  # type: ignore[operator]
                    for e in fresh
                ]
            )
        else:
            cells = [cell for _, cell in self._cells(chunk, decoded)]
            late = sum(cell[2] == LATE for cell in cells)
            self.tally.update(cells)
        self.outcomes.add(
            Outcomes(
                received=len(events) + len(decoded.dead),
                counted=len(fresh) - late,
                duplicate=len(duplicates),
                late=late,
                dead_lettered=len(decoded.dead),
            )
        )
        self.dead += decoded.dead
        self.chunks.append(chunk)
        self.seen.add(records, decoded, duplicates.tolist())
        self.last = records[-1].offset
        self.record_bytes += decoded.size

    @property
    def size(self) -> int:
        """The memory, in bytes, that the stretch takes and will take while it is applied."""
        return self.record_bytes + CELL_BYTES * len(self.tally)

    def numbers(self) -> dict[CounterKey, list[int]]:
        """Return what the stretch adds to each counter it touches."""
        added: dict[CounterKey, list[int]] = {}
        for cell, times in self.tally.items():
            column, number = _COLUMN[cell[3]], cell[4] * times
            for key in _keys(cell):
                numbers = added.get(key)
                if numbers is None:
                    numbers = added[key] = [0, 0, 0]
                numbers[column] += number
        return added

    def numbers_above(self, versions: Mapping[CounterKey, int]) -> dict[CounterKey, list[int]]:
        """Return what the records above its version add to each key of `versions`.

        Slow, for the few counters that have counted a part of this stretch already.
        """
        added = {key: [0, 0, 0] for key in versions}
        for chunk in self.chunks:
            for offset, cell in self._cells(chunk, decode(chunk.records)):
                for key in _keys(cell):
                    if key in versions and offset > versions[key]:
                        added[key][_COLUMN[cell[3]]] += cell[4]
        return added

    def _all_in_time(self, decoded: Decoded, records: Sequence[Record]) -> bool:
        """Whether each event counts in its own minute: none is late, or from the future."""
        times: list[int] = [event.timestamp for event in decoded.events]  # type: ignore[misc]
        if not times or None in times:
            return False
        written = [record.timestamp for record in records]
        late, future = self.lateness.late_ms, self.lateness.future_ms
        if max(written) - late <= min(times) and max(times) <= min(written) + future:
            return True  # whichever their records are
        ahead = np.array(times) - np.repeat(written, np.diff(decoded.ends, prepend=0))
        return bool(ahead.min() >= -late and ahead.max() <= future)

    def _cells(self, chunk: Chunk, decoded: Decoded) -> Iterator[tuple[int, Cell]]:
        """Yield the offset and the cell of each event that is no duplicate."""
        duplicates = set(chunk.duplicates.tolist())
        start = 0
        for record, end in zip(chunk.records, decoded.ends, strict=True):
            for index in range(start, end):
                if index not in duplicates:
                    event = decoded.events[index]
                    minute = self.lateness.minute(event.timestamp, record.timestamp)
                    yield (
                        record.offset,
                        (event.site, event.article_id, minute, event.type, event.delta),
                    )
            start = end


def _keys(cell: Cell) -> tuple[CounterKey, ...]:
    site, article_id, minute, _, _ = cell
    total = new_tuple(CounterKey, (site, "total", 0, article_id))
    if minute == LATE:
        return (total,)
    second = minute * MINUTE
    return (
        total,
        new_tuple(CounterKey, (site, "minute", second, article_id)),
        new_tuple(CounterKey, (site, "hour", second - second % HOUR, article_id)),
    )
