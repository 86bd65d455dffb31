"""Which ids were seen in the last half hour of record time.

An event is a duplicate if its id occurred in the same partition within the last 30 minutes.
Time is the partition's record time (its highest record timestamp so far), cut into
generations of five minutes: an id counts as seen when its last occurrence, a duplicate's too,
lies at most six generations back, which is 30 to 35 minutes. The answer is thus a function of
the log alone: whoever re-reads `MEMORY_MS` of record time before an offset knows, from there
on, exactly what a worker knew that never stopped.

Ids are kept as 64-bit hashes under a key that is new for each process (Python's SipHash), so
nobody can choose ids that meet. The chance that a new event is taken for an old one is the
number of ids kept divided by 2^64: 5 in 10^13 for an event among nine million ids.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GENERATION_MS = 5 * 60 * 1000
GENERATIONS_BACK = 6
MEMORY_MS = GENERATION_MS * (GENERATIONS_BACK + 1)
"""Record time, in milliseconds, that must be re-read to know what a worker knew."""

_SMALLEST = 1 << 12
_FULLEST = 0.6
_NEVER = -1 << 30
_SLOTS_AN_ID, _SLOTS_A_CALL = 16, 1 << 15
"""So much of the table before is moved at a time: it is empty long before the new one is full,
and nobody waits for millions of ids to move at once."""

Hashes = NDArray[np.uint64]
Generations = NDArray[np.int32]
Mask = NDArray[np.bool_]


def generation_of(record_time: int) -> int:
    """Return the generation that `record_time` (milliseconds) falls into."""
    return record_time // GENERATION_MS


class DuplicateWindow:
    """The ids of one partition: 20 to 40 bytes an id, twice that while they move to another
    table, against 124 in a set of strings, at about the same speed when ids come a thousand or
    more at once.
    """

    def __init__(self) -> None:
        self._table = _Table(_SMALLEST)
        self._before: _Table | None = None  # what is not moved yet of the table before
        self._moved = 0
        self._newest = 0

    def __len__(self) -> int:
        """Return the number of ids kept, those about to be forgotten among them."""
        rest = 0 if self._before is None else np.count_nonzero(self._before.hashes[self._moved :])
        return self._table.used + int(rest)

    @property
    def nbytes(self) -> int:
        """Return the memory of the tables in bytes."""
        tables = [table for table in (self._table, self._before) if table is not None]
        return sum(table.hashes.nbytes + table.generations.nbytes for table in tables)

    def observe(self, ids: Sequence[str], generation: int) -> Mask:
        """Remember `ids`, in their order, and return which of them are duplicates.

        An empty id is never a duplicate. `generation` never falls from call to call.
        """
        # hash("") is 0, so an event without an id has the hash of a free slot.
        hashes = np.fromiter(map(hash, ids), np.int64, len(ids)).view(np.uint64)
        self._make_room(len(ids), generation)
        distinct, first = np.unique(hashes, return_index=True)
        if len(distinct) and distinct[0] == 0:
            distinct, first = distinct[1:], first[1:]
        last = self._table.remember(distinct, np.full(len(distinct), generation, np.int32))
        if self._before is not None:
            unknown = np.flatnonzero(last == _NEVER)
            last[unknown] = self._before.find(distinct[unknown])
        duplicate: Mask = hashes != 0
        duplicate[first] = generation - last <= GENERATIONS_BACK
        return duplicate

    def _make_room(self, coming: int, generation: int) -> None:
        """Forget what is too old when time goes on, and take a larger table in time."""
        self._move(_SLOTS_AN_ID * coming + _SLOTS_A_CALL)
        full = self._table.used + coming > _FULLEST * len(self._table.hashes)
        if full or (generation > self._newest and self._before is None):
            if self._before is not None:
                self._move(len(self._before.hashes))
            self._newest = generation
            self._before, self._moved = self._table, 0
            alive = np.count_nonzero(generation - self._table.generations <= GENERATIONS_BACK)
            size = _SMALLEST
            while alive + coming > _FULLEST / 1.5 * size:
                size *= 2
            self._table = _Table(size)
            self._move(_SLOTS_AN_ID * coming + _SLOTS_A_CALL)

    def _move(self, slots: int) -> None:
        """Take the next `slots` of the table before into the one that is filled now."""
        before = self._before
        if before is None:
            return
        part = slice(self._moved, self._moved + slots)
        generations = before.generations[part]
        alive = self._newest - generations <= GENERATIONS_BACK
        self._table.remember(before.hashes[part][alive], generations[alive])
        self._moved += slots
        if self._moved >= len(before.hashes):
            self._before = None


class _Table:
    """An open-addressing table in two numpy arrays: hashes, and when each was seen last."""

    def __init__(self, size: int) -> None:
        self.hashes: Hashes = np.zeros(size, np.uint64)  # 0 is a free slot
        self.generations: Generations = np.full(size, _NEVER, np.int32)
        self.used = 0

    def find(self, hashes: Hashes) -> Generations:
        """Return when each of `hashes` was seen last, _NEVER if it was not."""
        found: Generations = np.full(len(hashes), _NEVER, np.int32)
        slot = self._first_slot(hashes)
        todo = np.arange(len(hashes))
        while len(todo):
            at = slot[todo]
            here = self.hashes[at] == hashes[todo]
            found[todo[here]] = self.generations[at[here]]
            todo = todo[~here & (self.hashes[at] != 0)]
            slot[todo] = (slot[todo] + 1) & (len(self.hashes) - 1)
        return found

    def remember(self, distinct: Hashes, generations: Generations) -> Generations:
        """Note that each was seen in its generation, and return when it was seen last before."""
        table = self.hashes
        last: Generations = np.full(len(distinct), _NEVER, np.int32)
        slot = self._first_slot(distinct)
        todo = np.arange(len(distinct))
        while len(todo):
            at = slot[todo]
            free = todo[table[at] == 0]
            # Several may claim one free slot: the last write wins, and the losers find it
            # taken by another when they look below.
            table[slot[free]] = distinct[free]
            self.used += int(np.count_nonzero(table[slot[free]] == distinct[free]))
            settled = table[at] == distinct[todo]
            here, place = todo[settled], at[settled]
            last[here] = self.generations[place]
            self.generations[place] = np.maximum(last[here], generations[here])
            todo = todo[~settled]
            slot[todo] = (slot[todo] + 1) & (len(table) - 1)
        return last

    def _first_slot(self, hashes: Hashes) -> NDArray[np.int64]:
        return (hashes & np.uint64(len(self.hashes) - 1)).astype(np.int64)
