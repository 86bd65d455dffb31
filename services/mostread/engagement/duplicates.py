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

Hashes = NDArray[np.uint64]
Mask = NDArray[np.bool_]


def generation_of(record_time: int) -> int:
    """Return the generation that `record_time` (milliseconds) falls into."""
    return record_time // GENERATION_MS


class DuplicateWindow:
    """The ids of one partition: an open-addressing table in two numpy arrays.

    20 to 40 bytes an id, against 124 in a set of strings, at about the same speed when ids
    come a thousand or more at once.
    """

    def __init__(self) -> None:
        self._hashes: Hashes = np.zeros(_SMALLEST, np.uint64)  # 0 is a free place
        self._generations: NDArray[np.int32] = np.zeros(_SMALLEST, np.int32)
        self._used = 0
        self._newest = 0

    def __len__(self) -> int:
        """Return the number of ids kept, those about to be forgotten among them."""
        return self._used

    @property
    def nbytes(self) -> int:
        """Return the memory of the table in bytes."""
        return self._hashes.nbytes + self._generations.nbytes

    def observe(self, ids: Sequence[str], generation: int) -> Mask:
        """Remember `ids`, in their order, and return which of them are duplicates.

        An empty id is never a duplicate. `generation` never falls from call to call.
        """
        # hash("") is 0, so an event without an id has the hash of a free place.
        hashes = np.fromiter(map(hash, ids), np.int64, len(ids)).view(np.uint64)
        if generation > self._newest:
            self._newest = generation
            self._rebuild(len(ids))
        elif self._used + len(ids) > _FULLEST * len(self._hashes):
            self._rebuild(len(ids))
        distinct, first = np.unique(hashes, return_index=True)
        if len(distinct) and distinct[0] == 0:
            distinct, first = distinct[1:], first[1:]
        duplicate: Mask = hashes != 0
        duplicate[first] = self._remember(distinct, generation)
        return duplicate

    def _remember(self, distinct: Hashes, generation: int) -> Mask:
        """Set the generation of each hash; return which were there and not yet forgotten."""
        table = self._hashes
        known = np.zeros(len(distinct), np.bool_)
        mask = np.uint64(len(table) - 1)
        place = (distinct & mask).astype(np.int64)
        todo = np.arange(len(distinct))
        while len(todo):
            at = place[todo]
            free = todo[table[at] == 0]
            # Several may claim one free place: the last write wins, and the losers find it
            # taken by another when they look below.
            table[place[free]] = distinct[free]
            settled = table[at] == distinct[todo]
            won = free[table[place[free]] == distinct[free]]
            self._used += len(won)
            self._generations[place[won]] = -1 << 30
            here = todo[settled]
            known[here] = generation - self._generations[place[here]] <= GENERATIONS_BACK
            self._generations[place[here]] = generation
            todo = todo[~settled]
            place[todo] = (place[todo] + 1) & (len(table) - 1)
        return known

    def _rebuild(self, coming: int) -> None:
        """Forget what is too old, and make room for `coming` more ids."""
        alive = (self._hashes != 0) & (self._newest - self._generations <= GENERATIONS_BACK)
        hashes, generations = self._hashes[alive], self._generations[alive]
        size = _SMALLEST
        while len(hashes) + coming > _FULLEST / 1.5 * size:
            size *= 2
        self._hashes = np.zeros(size, np.uint64)
        self._generations = np.zeros(size, np.int32)
        self._used = 0
        for generation in np.unique(generations).tolist():
            self._remember(hashes[generations == generation], generation)
