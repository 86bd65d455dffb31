"""Changes of exclusions in counters whose log has lost its beginning.

Such counters cannot be recounted. But the rest of the log adds to them other numbers with one set
of exclusions than with another, and the difference are the events that only one of them leaves out.
`AllExcept` counts those alone.
"""

from collections.abc import Mapping, Sequence

from mostread.core.control import Forget
from mostread.core.counting.counters import CounterKey
from mostread.core.counting.partition import ClosedBatch


class Revision:
    """Sums of the batches of a partition, of each key up to the version of its counter."""

    def __init__(self) -> None:
        self.changes: dict[CounterKey, list[int]] = {}
        self._versions: dict[CounterKey, int] = {}

    def add(self, batch: ClosedBatch, versions: Mapping[CounterKey, int]) -> None:
        """Add a batch, the next one in the log.

        `versions` are those of all its keys that have a counter; instead of applying the batch.
        """
        self._versions.update(versions)
        forgotten = {
            key: offset
            for key in (self._versions if batch.forgets else ())
            if (offset := self._forgotten(key, batch.forgets)) >= 0
        }
        for key in forgotten.keys() & self.changes.keys():
            self.changes[key] = [0, 0, 0]
        before = batch.increments_up_to(forgotten)
        for key, added in batch.increments_up_to(versions).items():
            numbers = self.changes.setdefault(key, [0, 0, 0])
            parts = zip(numbers, added, before.get(key, (0, 0, 0)), strict=True)
            numbers[:] = [number + all_ - earlier for number, all_, earlier in parts]

    def _forgotten(self, key: CounterKey, forgets: Sequence[Forget]) -> int:
        """Return the offset of the last forget of a counter up to its version, -1 without one."""
        version = self._versions[key]
        offsets = (
            each.offset
            for each in forgets
            if each.offset <= version and each.names(key.site, key.article_id)
        )
        return max(offsets, default=-1)
