"""From how many visitors an article's views come, by the hour they came in, in bounded memory.

By the hour they came in, not that of their own timestamps: whoever dates views back is seen too.
Counts are exact; this is not, and need not be: it is to show an article whose readers are few.
Of each stretch at most `MOST_SEEN` views are looked at, evenly (`Seen`); what they say goes
into one sketch for each article and hour (`Sketch`), of which the most read are kept
(`Sketches`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from heapq import nlargest
from typing import NamedTuple

from mostread.core.counting.counters import HOUR
from mostread.core.records import Decoded, Record

MOST_SEEN = 500
HEAVIEST = 50
LOWEST = 64
_BEFORE = HOUR
"""Sketches of the hour before are kept too: records may be a little out of their order in time."""


class SketchKey(NamedTuple):
    """`hour` is the hour's start in epoch seconds."""

    site: str
    article_id: str
    hour: int


class View(NamedTuple):
    """A view that was looked at, in a record of the time `came` (ms)."""

    offset: int
    came: int
    site: str
    article_id: str
    visitor: str


class Seen:
    """Every `step`-th event of a stretch, the views with a visitor among them.

    `step` doubles whenever there are too many, so that a stretch of any length is looked at
    from its beginning to its end.
    """

    def __init__(self) -> None:
        self.step = 1
        self.views: list[View] = []
        self._next = 0

    def add(self, records: Sequence[Record], decoded: Decoded, duplicates: Sequence[int]) -> None:
        """Look at the events of `records` but for the `duplicates`, sorted indices."""
        events, ends = decoded.events, decoded.ends
        for index in range(self._next, len(events), self.step):
            event = events[index]
            if event.type != "view" or event.visitor is None:
                continue
            if duplicates and _is_in(duplicates, index):
                continue
            record = records[bisect_right(ends, index)]
            self.views.append(
                View(
                    record.offset,
                    record.timestamp,
                    event.site,
                    event.article_id,
                    event.visitor,
                )
            )
        self._next = (self._next - len(events)) % self.step
        while len(self.views) > MOST_SEEN:
            self.views = self.views[::2]
            self.step *= 2


def _is_in(indices: Sequence[int], index: int) -> bool:
    at = bisect_left(indices, index)
    return at < len(indices) and indices[at] == index


class Sketch:
    """The visitors of an article in an hour, of `views` views that were looked at.

    Each view that was looked at counts for one, however many it stands for: else a single reader
    whose view was picked would seem to have viewed as often as that.

    `heaviest` holds the views of those who viewed it most: each at most `views` / (HEAVIEST + 1)
    too low, and never too high (Misra and Gries, Finding repeated elements, 1982; in the batched
    form of Agarwal et al., Mergeable summaries, 2012). `lowest` are the smallest hashes of
    visitors, sorted, by which distinct ones are counted (Beyer et al., On synopses for
    distinct-value estimation, 2007). All in it came from records of the offsets `since` to
    `version`; what an article had before, of which the sketch has left memory, stands in another.
    """

    __slots__ = ("heaviest", "lowest", "since", "version", "views")

    def __init__(
        self,
        since: int,
        views: int = 0,
        heaviest: Iterable[tuple[int, int]] = (),
        lowest: Iterable[int] = (),
        version: int = -1,
    ) -> None:
        self.since = since
        self.views = views
        self.heaviest = dict(heaviest)
        self.lowest = list(lowest)
        self.version = version

    def add(self, visitor: int) -> None:
        """Take in a view of `visitor`, a hash of 64 bits."""
        self.views += 1
        self.heaviest[visitor] = self.heaviest.get(visitor, 0) + 1
        if len(self.heaviest) > 2 * HEAVIEST:
            self._keep_the_heaviest()
        lowest = self.lowest
        if len(lowest) < LOWEST or visitor < lowest[-1]:
            at = bisect_left(lowest, visitor)
            if at == len(lowest) or lowest[at] != visitor:
                lowest.insert(at, visitor)
                del lowest[LOWEST:]

    def _keep_the_heaviest(self) -> None:
        first_left_out = nlargest(HEAVIEST + 1, self.heaviest.values())[-1]
        self.heaviest = {
            visitor: times - first_left_out
            for visitor, times in self.heaviest.items()
            if times > first_left_out
        }


class Sketches:
    """The sketches of one partition: the `capacity` most read articles of the last hours."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: dict[SketchKey, Sketch] = {}
        self._newest = 0

    def __len__(self) -> int:
        return len(self._kept)

    def load(self, sketches: Iterable[tuple[SketchKey, Sketch]]) -> None:
        """Go on from what was written before: of each key from the sketch written last."""
        for key, sketch in sorted(sketches, key=lambda each: each[1].since):
            self._newest = max(self._newest, key.hour)
            self._kept[key] = sketch
        self._forget()

    def apply(self, seen: Seen, last: int, now: int) -> list[tuple[SketchKey, Sketch]]:
        """Take in the views of a stretch, and return the sketches to write.

        `last` is the offset of its last record, `now` the record time in milliseconds. A view
        that a sketch has taken in already, as its version says, is passed over.
        """
        self._newest = max(self._newest, hour_of(now))
        touched: set[SketchKey] = set()
        for view in seen.views:
            hour = hour_of(view.came)
            if not self._newest - _BEFORE <= hour <= self._newest:
                continue
            key = SketchKey(view.site, view.article_id, hour)
            sketch = self._kept.get(key)
            if sketch is None:
                sketch = self._kept[key] = Sketch(view.offset)
            # Until the end of the stretch the version is that of the stretch before.
            if view.offset > sketch.version:
                sketch.add(visitor_hash(view.site, view.article_id, view.visitor))
                touched.add(key)
        self._forget()
        written = [(key, self._kept[key]) for key in touched & self._kept.keys()]
        for _, sketch in written:
            sketch.version = last
        return written

    def _forget(self) -> None:
        oldest = self._newest - _BEFORE
        kept = {key: sketch for key, sketch in self._kept.items() if key.hour >= oldest}
        if len(kept) > self._capacity:
            kept = dict(nlargest(self._capacity, kept.items(), key=_views))
        self._kept = kept


def _views(kept: tuple[SketchKey, Sketch]) -> int:
    return kept[1].views


def first_hour(record_time: int) -> int:
    """Return the first hour, in epoch seconds, that matters at a record time (ms)."""
    return max(0, hour_of(record_time) - _BEFORE)


def hour_of(timestamp: int) -> int:
    """Return the start, in epoch seconds, of the hour that `timestamp` (ms) lies in."""
    second = timestamp // 1000
    return second - second % HOUR


def visitor_hash(site: str, article_id: str, visitor: str) -> int:
    """Return 64 bits that stand for a visitor of one article: of another, they are others.

    So what is stored does not tell which articles somebody read.
    """
    named = f"{site}\0{article_id}\0{visitor}".encode()
    return int.from_bytes(blake2b(named, digest_size=8).digest())
