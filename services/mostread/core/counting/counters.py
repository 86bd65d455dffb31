"""Counters: cumulative numbers that know how far into the log they count."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

MINUTE_MS = 60_000
MINUTE, HOUR = 60, 3600
"""Lengths of the grains' windows in seconds."""

Grain = Literal["minute", "hour", "total"]
_LENGTH: dict[Grain, int] = {"minute": MINUTE, "hour": HOUR}

new_tuple = tuple.__new__
"""Makes a named tuple of a tuple in half the time; there are many of them."""

Numbers = tuple[int, int, int]
"""Views, comments and likes, in this order everywhere."""


class CounterKey(NamedTuple):
    """What a counter counts. `window` is the start of the window in epoch seconds, 0 for total."""

    site: str
    grain: Grain
    window: int
    article_id: str


class Counter(NamedTuple):
    """Views, comments and likes of a key, counted up to and with the record at `version`.

    A version of -1 says that nothing was counted yet.
    """

    views: int
    comments: int
    likes: int
    version: int


NOTHING = Counter(0, 0, 0, -1)


class CounterCache:
    """The counters of one partition that were used lately, at most `capacity` of them.

    The cache knows from which window on it is complete: a key of a later window that is not
    here was never counted. That is so from the start for windows that no event can have
    reached yet, and stays so until one of them has to leave.

    Two generations serve as a least-recently-used list: what is used moves into the young
    one, and when that is full the old one is forgotten.
    """

    def __init__(self, capacity: int, *, counted_until: int | None) -> None:
        """Start empty. No event with a timestamp above `counted_until`, in milliseconds, has
        been counted in this partition; None says that none has been counted at all.
        """
        self._half = max(1, capacity // 2)
        self._young: dict[CounterKey, Counter] = {}
        self._old: dict[CounterKey, Counter] = {}
        seconds = -1 if counted_until is None else counted_until // 1000
        self._complete_from: dict[Grain, float] = {
            "total": 0 if counted_until is None else float("inf"),
            **{g: (seconds // n + 1) * n if seconds >= 0 else 0 for g, n in _LENGTH.items()},
        }

    def find(self, keys: Iterable[CounterKey]) -> list[Counter | None]:
        """Return the counter of each of `keys`, in their order: NOTHING if it is surely new,
        None if one must look.
        """
        young, old, complete = self._young, self._old, self._complete_from
        found = []
        for key in keys:
            counter = young.get(key)
            if counter is None:
                counter = old.get(key)
                if counter is None and key.window >= complete[key.grain]:
                    counter = NOTHING
            found.append(counter)
        return found

    def store(self, counters: Iterable[tuple[CounterKey, Counter]]) -> None:
        """Keep `counters`; what was not used for long may leave."""
        for key, counter in counters:
            self._young[key] = counter
            if len(self._young) >= self._half:
                self._forget_old()

    def _forget_old(self) -> None:
        complete, young = self._complete_from, self._young
        for key in self._old:
            if key.window >= complete[key.grain] and key not in young:
                length = _LENGTH.get(key.grain)
                complete[key.grain] = key.window + length if length else float("inf")
        self._old, self._young = self._young, {}
