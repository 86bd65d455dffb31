"""Cumulative counters, each with the offset up to which it counts."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

MINUTE_MS = 60_000
MINUTE, HOUR, WEEK = 60, 3600, 7 * 86_400
"""Window lengths in seconds."""

FIRST_MONDAY = 4 * 86_400
"""1970-01-05 in epoch seconds: weeks start on Mondays in UTC."""

Grain = Literal["minute", "hour", "week", "total"]
_LENGTH: dict[Grain, int] = {"minute": MINUTE, "hour": HOUR, "week": WEEK}

new_tuple = tuple.__new__
"""Build a named tuple in half the time of its constructor; it runs once per counter."""


class CounterKey(NamedTuple):
    """Key of a counter. `window` is its start in epoch seconds, 0 for the total."""

    site: str
    grain: Grain
    window: int
    article_id: str


class Counter(NamedTuple):
    """Views, comments and likes of a key, up to and including the record at `version`.

    A version of -1 means that nothing is counted yet.
    """

    views: int
    comments: int
    likes: int
    version: int


NOTHING = Counter(0, 0, 0, -1)


def week_start(second: int) -> int:
    """Return the start of the week of a time, both in epoch seconds.

    ClickHouse stores no time before the epoch, so the week that contains it starts there.
    """
    return max(0, second - (second - FIRST_MONDAY) % WEEK)


class CounterCache:
    """Recently used counters of one partition, at most `capacity` of them.

    The cache knows from which window on it is complete: a key of a later window that is not
    cached was never counted. At the start this holds for windows that no event can have reached
    yet, and it holds until one of them is evicted.

    Two halves approximate least-recently-used eviction: a stored counter goes into the young
    half, and when that is full, the old half is evicted.
    """

    def __init__(self, capacity: int, *, counted_until: int | None) -> None:
        """Start empty.

        `counted_until` is the highest timestamp (ms) that an event counted in this partition can
        have; None means that no event is counted yet.
        """
        self._half = max(1, capacity // 2)
        self._young: dict[CounterKey, Counter] = {}
        self._old: dict[CounterKey, Counter] = {}
        seconds = -1 if counted_until is None else counted_until // 1000
        self._complete_from: dict[Grain, float] = {
            "total": 0 if counted_until is None else float("inf"),
            **{grain: _next_window(grain, seconds) for grain in _LENGTH},
        }

    def find(self, keys: Iterable[CounterKey]) -> list[Counter | None]:
        """Return the counter of each key, in order.

        NOTHING stands for a key that was never counted, None for one to look up in ClickHouse.
        """
        young, old, complete = self._young, self._old, self._complete_from
        counters = []
        for key in keys:
            counter = young.get(key)
            if counter is None:
                counter = old.get(key)
                if counter is None and key.window >= complete[key.grain]:
                    counter = NOTHING
            counters.append(counter)
        return counters

    def store(self, counters: Iterable[tuple[CounterKey, Counter]]) -> None:
        """Store `counters`, evicting those that were not used recently."""
        for key, counter in counters:
            self._young[key] = counter
            if len(self._young) >= self._half:
                self._evict_old()

    def replace(self, change: Callable[[CounterKey, Counter], Counter]) -> None:
        """Replace each stored counter for which `change` returns another one."""
        for counters in (self._young, self._old):
            changed = [
                (key, after)
                for key, before in counters.items()
                if (after := change(key, before)) is not before
            ]
            counters.update(changed)

    def _evict_old(self) -> None:
        complete, young = self._complete_from, self._young
        for key in self._old:
            if key.window >= complete[key.grain] and key not in young:
                length = _LENGTH.get(key.grain)
                complete[key.grain] = key.window + length if length else float("inf")
        self._old, self._young = self._young, {}


def _next_window(grain: Grain, second: int) -> int:
    """Return the start of the first window after `second`, the epoch for -1."""
    if second < 0:
        return 0
    length = _LENGTH[grain]
    first = FIRST_MONDAY if grain == "week" else 0
    return ((second - first) // length + 1) * length + first
