"""Open batches: records counted but not yet in ClickHouse."""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mostread.core.control import Forget
from mostread.core.counting.counters import (
    HOUR,
    MINUTE,
    MINUTE_MS,
    CounterKey,
    new_tuple,
    week_start,
)
from mostread.core.counting.exclusions import NO_EXCLUSIONS, Exclusions, Times
from mostread.core.counting.visitor_sketch import ViewSample
from mostread.core.events import Event, EventType
from mostread.core.records import DeadLine, Decoded, Record, decode

MAX_FUTURE_MS = 60 * MINUTE_MS
"""Upper bound of `AllowedLateness.future_ms`: no event counts further ahead of its record."""

LATE = -1
"""Minute of a late event, which counts in the total and in no window."""

COUNT_KEY_BYTES = 650
"""Approximate memory per count key, including the counters that it adds to."""

DEAD_LINE_BYTES = 1_000
"""Approximate memory per dead line besides its text, including its dead letter."""

_COLUMN: dict[EventType, int] = {"view": 0, "comment": 1, "like": 2}

CountKey = tuple[str, str, int, EventType, int]
"""Site, article, minute since the epoch (or LATE), type, delta."""


@dataclass(frozen=True)
class AllowedLateness:
    """Maximum distance between an event's timestamp and its record's, in milliseconds."""

    late_ms: int = 24 * 60 * MINUTE_MS
    future_ms: int = MINUTE_MS

    def minute(self, timestamp: int | None, record_time: int) -> int:
        """Return the minute since the epoch in which an event counts, or LATE.

        An event without a timestamp, or with one too far in the future, counts at the time of
        its record.
        """
        if timestamp is None or timestamp > record_time + self.future_ms:
            timestamp = record_time
        elif timestamp < record_time - self.late_ms:
            return LATE
        return timestamp // MINUTE_MS

    def times(self, events: Sequence[Event], record_times: NDArray[np.int64]) -> Times:
        """Return the time of each event by which an exclusion may leave it out (ms).

        It is the one at which the event counts; of a late event, its own.
        """
        own = [-1 if event.timestamp is None else event.timestamp for event in events]
        times: Times = np.array(own, np.int64)
        return np.where((times < 0) | (times > record_times + self.future_ms), record_times, times)


@dataclass
class Outcomes:
    """Events by outcome: received = counted + duplicate + late + dead_lettered + excluded.

    An event that was forgotten later stays in its outcome; a control record is not an event.
    """

    received: int = 0
    counted: int = 0
    duplicate: int = 0
    late: int = 0
    dead_lettered: int = 0
    excluded: int = 0

    def add(self, other: "Outcomes") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


class Chunk(NamedTuple):
    """Records counted together, and the indices of their duplicate and excluded events."""

    records: Sequence[Record]
    omitted: NDArray[np.intp]


@dataclass
class OpenBatch:
    """Everything counted since the last close.

    `first` is the lowest offset that can be in the batch, `last` and `last_time` are those of its
    last record, -1 while it is empty. The batch keeps its records until it is applied: where a
    counter already contains part of them, the rest is counted again.
    """

    first: int
    lateness: AllowedLateness
    exclusions: Exclusions = NO_EXCLUSIONS
    last: int = -1
    last_time: int = -1
    record_bytes: int = 0
    dead_bytes: int = 0
    tally: Tally[CountKey] = field(default_factory=Tally)
    outcomes: Outcomes = field(default_factory=Outcomes)
    dead: list[DeadLine] = field(default_factory=list)
    forgets: list[Forget] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    sample: ViewSample = field(default_factory=ViewSample)

    def add(
        self, records: Sequence[Record], decoded: Decoded, duplicate: NDArray[np.bool_]
    ) -> None:
        """Count the events of `records` except duplicates and excluded ones."""
        events = decoded.events
        omitted, duplicates = duplicate, int(np.count_nonzero(duplicate))
        if self.exclusions:
            times = self.lateness.times(events, _record_times(records, decoded))
            omitted = duplicate | self.exclusions.match(events, times)
        chunk = Chunk(records, np.flatnonzero(omitted))
        fresh = events
        if len(chunk.omitted):
            fresh = [event for event, out in zip(events, omitted.tolist(), strict=True) if not out]
        late = 0
        if self._all_on_time(decoded, records):
            self.tally.update(
                (e.site, e.article_id, e.timestamp // MINUTE_MS, e.type, e.delta)  # type: ignore[operator]
                for e in fresh
            )
        else:
            keys = [key for _, key in self._count_keys(chunk, decoded)]
            late = sum(key[2] == LATE for key in keys)
            self.tally.update(keys)
        self.outcomes.add(
            Outcomes(
                received=len(events) + len(decoded.dead),
                counted=len(fresh) - late,
                duplicate=duplicates,
                late=late,
                dead_lettered=len(decoded.dead),
                excluded=len(chunk.omitted) - duplicates,
            )
        )
        self.dead += decoded.dead
        self.forgets += decoded.forgets
        self.dead_bytes += sum(DEAD_LINE_BYTES + len(line.raw) for line in decoded.dead)
        self.chunks.append(chunk)
        self.sample.add(records, decoded, chunk.omitted.tolist())
        self.last, self.last_time = records[-1].offset, records[-1].timestamp
        self.record_bytes += decoded.size

    @property
    def size(self) -> int:
        """Memory of the batch in bytes, including what applying it will take."""
        return self.record_bytes + self.dead_bytes + COUNT_KEY_BYTES * len(self.tally)

    def increments(self) -> dict[CounterKey, list[int]]:
        """Return views, comments and likes of all records, by counter key."""
        added: dict[CounterKey, list[int]] = {}
        for count_key, times in self.tally.items():
            column, number = _COLUMN[count_key[3]], count_key[4] * times
            for key in _counter_keys(count_key):
                numbers = added.get(key)
                if numbers is None:
                    numbers = added[key] = [0, 0, 0]
                numbers[column] += number
        return added

    def increments_above(self, versions: Mapping[CounterKey, int]) -> dict[CounterKey, list[int]]:
        """Return what the records above its version add to each key of `versions`.

        Keys that none of them counts in are absent. Slow, for the few counters that already contain
        part of this batch, and for those that are forgotten in it.
        """
        added: dict[CounterKey, list[int]] = {}
        for chunk in self.chunks:
            for offset, count_key in self._count_keys(chunk, decode(chunk.records)):
                for key in _counter_keys(count_key):
                    if key in versions and offset > versions[key]:
                        numbers = added.setdefault(key, [0, 0, 0])
                        numbers[_COLUMN[count_key[3]]] += count_key[4]
        return added

    def _all_on_time(self, decoded: Decoded, records: Sequence[Record]) -> bool:
        """Return whether no event is late or in the future."""
        times: list[int] = [event.timestamp for event in decoded.events]  # type: ignore[misc]
        if not times or None in times:
            return False
        record_times = [record.timestamp for record in records]
        late, future = self.lateness.late_ms, self.lateness.future_ms
        if max(record_times) - late <= min(times) and max(times) <= min(record_times) + future:
            return True  # for any assignment of events to records
        ahead = np.array(times) - _record_times(records, decoded)
        return bool(ahead.min() >= -late and ahead.max() <= future)

    def _count_keys(self, chunk: Chunk, decoded: Decoded) -> Iterator[tuple[int, CountKey]]:
        """Yield offset and count key of each event that is not omitted."""
        omitted = set(chunk.omitted.tolist())
        start = 0
        for record, end in zip(chunk.records, decoded.ends, strict=True):
            for index in range(start, end):
                if index not in omitted:
                    event = decoded.events[index]
                    minute = self.lateness.minute(event.timestamp, record.timestamp)
                    yield (
                        record.offset,
                        (event.site, event.article_id, minute, event.type, event.delta),
                    )
            start = end


def _record_times(records: Sequence[Record], decoded: Decoded) -> NDArray[np.int64]:
    """Return the timestamp of each event's record."""
    times = np.array([record.timestamp for record in records], np.int64)
    return np.repeat(times, np.diff(decoded.ends, prepend=0))


def _counter_keys(count_key: CountKey) -> tuple[CounterKey, ...]:
    site, article_id, minute, _, _ = count_key
    total = new_tuple(CounterKey, (site, "total", 0, article_id))
    if minute == LATE:
        return (total,)
    second = minute * MINUTE
    return (
        total,
        new_tuple(CounterKey, (site, "minute", second, article_id)),
        new_tuple(CounterKey, (site, "hour", second - second % HOUR, article_id)),
        new_tuple(CounterKey, (site, "week", week_start(second), article_id)),
    )
