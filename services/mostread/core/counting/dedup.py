"""Detection of repeated events within half an hour of record time.

An event is a duplicate if one with the same identity (site, article, type, delta and id) occurred
in the same partition within the last 30 minutes. Time is the partition's record time (its highest
record timestamp so far), cut into buckets of five minutes: an identity counts as known while its
last occurrence, as a duplicate or not, lies at most six buckets back, which is 30 to 35 minutes.
The result is a function of the log alone: a worker that rereads `DEDUP_REREAD_MS` of record time
before an offset knows, from there on, exactly what a worker knew that never stopped.

Identities are stored as 64-bit hashes. Those of their strings are made under a key that is new for
each process (Python's SipHash), so nobody can choose ids that collide. The chance that a new event
is taken for an old one is the number of stored hashes divided by 2^64: 5 in 10^13 per event among
nine million.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mostread.core.events import Event
from mostread.core.retention import DEDUP_BUCKET_MS, DEDUP_BUCKETS

_MIN_SIZE = 1 << 12
_MAX_LOAD = 0.6
_NEVER = -1 << 30
_SLOTS_PER_ID, _SLOTS_PER_CALL = 16, 1 << 15
"""Slots of the previous table to move per call: it is empty long before the new one is full, and
no call moves millions at once."""

Hashes = NDArray[np.uint64]
Buckets = NDArray[np.int32]
Mask = NDArray[np.bool_]


def bucket_of(record_time: int) -> int:
    """Return the dedup bucket of `record_time` (milliseconds)."""
    return record_time // DEDUP_BUCKET_MS


def identities(events: Sequence[Event]) -> list[int]:
    """Return the hash of each event's identity; 0 for an event without an id."""
    # A comprehension, because it costs half as much as a function call per event.
    return [
        hash((event.id, event.article_id, event.type, event.site, event.delta)) if event.id else 0
        for event in events
    ]


class DedupWindow:
    """Recent identities of one partition.

    An identity takes 20 to 40 bytes, twice that while they move to another table, against 124 of an
    id in a set of strings, at about the same speed for a thousand or more per call.
    """

    def __init__(self) -> None:
        self._table = _Table(_MIN_SIZE)
        self._previous: _Table | None = None  # slots from `_moved` on are not moved yet
        self._moved = 0
        self._newest = 0

    def __len__(self) -> int:
        """Return the number of stored identities, including those about to expire."""
        if self._previous is None:
            return self._table.used
        return self._table.used + int(np.count_nonzero(self._previous.hashes[self._moved :]))

    @property
    def nbytes(self) -> int:
        """Memory of the tables in bytes."""
        tables = [table for table in (self._table, self._previous) if table is not None]
        return sum(table.hashes.nbytes + table.buckets.nbytes for table in tables)

    def observe(self, identities: Sequence[int], bucket: int) -> Mask:
        """Store hashes in order, and return which of them are duplicates.

        0 is never a duplicate. `bucket` never decreases between calls.
        """
        hashes = np.array(identities, np.int64).view(np.uint64)
        self._make_room(len(hashes), bucket)
        distinct, first = np.unique(hashes, return_index=True)
        if len(distinct) and distinct[0] == 0:
            distinct, first = distinct[1:], first[1:]
        last = self._table.store(distinct, np.full(len(distinct), bucket, np.int32))
        if self._previous is not None:
            unknown = np.flatnonzero(last == _NEVER)
            last[unknown] = self._previous.find(distinct[unknown])
        duplicate: Mask = hashes != 0
        duplicate[first] = bucket - last <= DEDUP_BUCKETS
        return duplicate

    def _make_room(self, coming: int, bucket: int) -> None:
        """Drop expired identities, and grow the table before it is full."""
        self._move(_SLOTS_PER_ID * coming + _SLOTS_PER_CALL)
        full = self._table.used + coming > _MAX_LOAD * len(self._table.hashes)
        if full or (bucket > self._newest and self._previous is None):
            if self._previous is not None:
                self._move(len(self._previous.hashes))
            self._newest = bucket
            self._previous, self._moved = self._table, 0
            alive = np.count_nonzero(bucket - self._table.buckets <= DEDUP_BUCKETS)
            size = _MIN_SIZE
            while alive + coming > _MAX_LOAD / 1.5 * size:
                size *= 2
            self._table = _Table(size)
            self._move(_SLOTS_PER_ID * coming + _SLOTS_PER_CALL)

    def _move(self, slots: int) -> None:
        """Move the next `slots` of the previous table into the current one."""
        previous = self._previous
        if previous is None:
            return
        part = slice(self._moved, self._moved + slots)
        buckets = previous.buckets[part]
        alive = self._newest - buckets <= DEDUP_BUCKETS
        self._table.store(previous.hashes[part][alive], buckets[alive])
        self._moved += slots
        if self._moved >= len(previous.hashes):
            self._previous = None


class _Table:
    """Open-addressing table in two numpy arrays: hashes, and the last bucket of each."""

    def __init__(self, size: int) -> None:
        self.hashes: Hashes = np.zeros(size, np.uint64)  # 0 is a free slot
        self.buckets: Buckets = np.full(size, _NEVER, np.int32)
        self.used = 0

    def find(self, hashes: Hashes) -> Buckets:
        """Return the last bucket of each hash, _NEVER if it is not stored."""
        last: Buckets = np.full(len(hashes), _NEVER, np.int32)
        slot = self._first_slot(hashes)
        todo = np.arange(len(hashes))
        while len(todo):
            at = slot[todo]
            here = self.hashes[at] == hashes[todo]
            last[todo[here]] = self.buckets[at[here]]
            todo = todo[~here & (self.hashes[at] != 0)]
            slot[todo] = (slot[todo] + 1) & (len(self.hashes) - 1)
        return last

    def store(self, distinct: Hashes, buckets: Buckets) -> Buckets:
        """Store each hash with its bucket, and return its last bucket before."""
        table = self.hashes
        last: Buckets = np.full(len(distinct), _NEVER, np.int32)
        slot = self._first_slot(distinct)
        todo = np.arange(len(distinct))
        while len(todo):
            at = slot[todo]
            free = todo[table[at] == 0]
            # Several hashes may claim one free slot: the last write wins, and the comparison
            # below sends the others to the next slot.
            table[slot[free]] = distinct[free]
            self.used += int(np.count_nonzero(table[slot[free]] == distinct[free]))
            stored = table[at] == distinct[todo]
            here, index = todo[stored], at[stored]
            last[here] = self.buckets[index]
            self.buckets[index] = np.maximum(last[here], buckets[here])
            todo = todo[~stored]
            slot[todo] = (slot[todo] + 1) & (len(table) - 1)
        return last

    def _first_slot(self, hashes: Hashes) -> NDArray[np.int64]:
        return (hashes & np.uint64(len(self.hashes) - 1)).astype(np.int64)
