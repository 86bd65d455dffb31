"""Estimates of unique visitors per article and hour, in bounded memory.

The hour is that of the record, not of the event's own timestamp, so backdated views are included.
Counts are exact; sketches are not, and need not be: they reveal articles whose views come from few
visitors. At most `MAX_SAMPLED_VIEWS` views per batch are sampled, evenly (`ViewSample`); they go
into one sketch per article and hour (`Sketch`), and the sketches of the most-read articles stay
in memory (`SketchCache`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from heapq import nlargest
from typing import NamedTuple

from mostread.core.counting.counters import HOUR
from mostread.core.counting.forgets import LastForgets
from mostread.core.records import Decoded, Record

MAX_SAMPLED_VIEWS = 500
HEAVIEST = 50
LOWEST = 64
_BEFORE = HOUR
"""Keep sketches of the previous hour too: record times are not strictly in order."""


class SketchKey(NamedTuple):
    """Key of a sketch. `hour` is the start of the hour in epoch seconds."""

    site: str
    article_id: str
    hour: int


class SampledView(NamedTuple):
    """A sampled view, in a record written at `record_time` (ms)."""

    offset: int
    record_time: int
    site: str
    article_id: str
    visitor: str


class ViewSample:
    """The views with a visitor among every `step`-th event of a batch.

    `step` doubles whenever the sample is full, so that it spans a batch of any length from its
    beginning to its end.
    """

    def __init__(self) -> None:
        self.step = 1
        self.views: list[SampledView] = []
        self._next = 0

    def add(self, records: Sequence[Record], decoded: Decoded, omitted: Sequence[int]) -> None:
        """Sample the events of `records` except `omitted`, which are sorted indices."""
        events, ends = decoded.events, decoded.ends
        index = self._next
        while index < len(events):
            event = events[index]
            if (
                event.type == "view"
                and event.visitor is not None
                and not (omitted and _is_in(omitted, index))
            ):
                record = records[bisect_right(ends, index)]
                self.views.append(
                    SampledView(
                        record.offset,
                        record.timestamp,
                        event.site,
                        event.article_id,
                        event.visitor,
                    )
                )
                if len(self.views) > MAX_SAMPLED_VIEWS:
                    self.views = self.views[::2]
                    self.step *= 2
            index += self.step
        self._next = index - len(events)


def _is_in(indices: Sequence[int], index: int) -> bool:
    at = bisect_left(indices, index)
    return at < len(indices) and indices[at] == index


class Sketch:
    """Visitors of one article in one hour, from `views` sampled views.

    A sampled view counts once, not `step` times; otherwise one sampled reader would look like
    many views.

    `heaviest` maps the visitors with the most views to their number: at most
    `views` / (HEAVIEST + 1) too low, and never too high (Misra and Gries, Finding repeated
    elements, 1982; in the batched form of Agarwal et al., Mergeable summaries, 2012). `lowest`
    holds the smallest visitor hashes, sorted, from which distinct visitors are estimated (Beyer
    et al., On synopses for distinct-value estimation, 2007). The sketch covers records from offset
    `since` to `version`; earlier views of an evicted sketch are in another row.
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
        """Add a view of `visitor`, a 64-bit hash."""
        self.views += 1
        self.heaviest[visitor] = self.heaviest.get(visitor, 0) + 1
        if len(self.heaviest) > 2 * HEAVIEST:
            self._drop_lightest()
        lowest = self.lowest
        if len(lowest) < LOWEST or visitor < lowest[-1]:
            at = bisect_left(lowest, visitor)
            if at == len(lowest) or lowest[at] != visitor:
                lowest.insert(at, visitor)
                del lowest[LOWEST:]

    def _drop_lightest(self) -> None:
        threshold = nlargest(HEAVIEST + 1, self.heaviest.values())[-1]
        self.heaviest = {
            visitor: times - threshold
            for visitor, times in self.heaviest.items()
            if times > threshold
        }


class SketchCache:
    """Sketches of one partition: at most `capacity`, of the most-read recent articles."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._sketches: dict[SketchKey, Sketch] = {}
        self._newest = 0

    def __len__(self) -> int:
        return len(self._sketches)

    def load(self, sketches: Iterable[tuple[SketchKey, Sketch]]) -> None:
        """Load stored sketches; per key, the one that started last."""
        for key, sketch in sorted(sketches, key=lambda each: each[1].since):
            self._newest = max(self._newest, key.hour)
            self._sketches[key] = sketch
        self._evict()

    def apply(
        self, sample: ViewSample, last: int, now: int, forgets: LastForgets | None = None
    ) -> list[tuple[SketchKey, Sketch]]:
        """Add the sampled views of a batch, and return the sketches to write.

        `last` and `now` are offset and timestamp (ms) of the batch's last record. `now` may go
        back, so one record from the future ends no later sketch. A view below the version of its
        sketch is already in it and skipped. `forgets` are those of the batch: sketches that began
        before end there.
        """
        if self._capacity == 0:
            return []
        self._newest = hour_of(now)
        if forgets:
            self._sketches = {
                key: sketch
                for key, sketch in self._sketches.items()
                if sketch.since > forgets.offset(key.site, key.article_id)
            }
        touched: set[SketchKey] = set()
        for view in sample.views:
            hour = hour_of(view.record_time)
            if not self._newest - _BEFORE <= hour <= self._newest:
                continue
            if forgets and view.offset < forgets.offset(view.site, view.article_id):
                continue
            key = SketchKey(view.site, view.article_id, hour)
            sketch = self._sketches.get(key)
            if sketch is None:
                sketch = self._sketches[key] = Sketch(view.offset)
            # Until the end of the batch the version is that of the previous batch.
            if view.offset > sketch.version:
                sketch.add(visitor_hash(view.site, view.article_id, view.visitor))
                touched.add(key)
        self._evict()
        written = [(key, self._sketches[key]) for key in touched & self._sketches.keys()]
        for _, sketch in written:
            sketch.version = last
        return written

    def _evict(self) -> None:
        oldest = self._newest - _BEFORE
        recent = {key: sketch for key, sketch in self._sketches.items() if key.hour >= oldest}
        if len(recent) > self._capacity:
            recent = dict(nlargest(self._capacity, recent.items(), key=_views))
        self._sketches = recent


def _views(item: tuple[SketchKey, Sketch]) -> int:
    return item[1].views


def first_hour(record_time: int) -> int:
    """Return the first hour (epoch seconds) to load at a record time (ms)."""
    return max(0, hour_of(record_time) - _BEFORE)


def hour_of(timestamp: int) -> int:
    """Return the start (epoch seconds) of the hour of `timestamp` (ms)."""
    second = timestamp // 1000
    return second - second % HOUR


def visitor_hash(site: str, article_id: str, visitor: str) -> int:
    """Return a 64-bit hash of a visitor, different for every article.

    Stored hashes therefore do not reveal which articles a visitor read.
    """
    name = f"{site}\0{article_id}\0{visitor}".encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest())
