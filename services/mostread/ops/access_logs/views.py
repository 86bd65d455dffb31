"""Views of access logs: deduplicated by reader, article and half hour, then counted.

A view's id is a hash of article, reader and half hour, so a line that occurs again, in the same
file or in another, is the same view. The earliest of several counts, which makes the result
independent of the order in which files are read.

A view takes 16 bytes while files are read, and about 70 during deduplication. Its id is a 64-bit
hash: the chance that two of n views collide is n squared / 2^65, 3 in a million for ten million.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mostread.core.counting.counters import (
    FIRST_MONDAY,
    HOUR,
    MINUTE,
    MINUTE_MS,
    WEEK,
    Grain,
)
from mostread.core.retention import (
    HOUR_ROW_TTL_SECONDS,
    MINUTE_ROW_TTL_SECONDS,
    VIEW_SLOT_MS,
)
from mostread.ops.imports.repository import Block, digest, split_blocks

_SLOT_MINUTES = VIEW_SLOT_MS // MINUTE_MS

ROW_TTL_SECONDS: dict[Grain, int] = {
    "minute": MINUTE_ROW_TTL_SECONDS,
    "hour": HOUR_ROW_TTL_SECONDS,
    "week": HOUR_ROW_TTL_SECONDS,
}
"""TTL of the rows of a grain, from the start of their window."""

_WINDOW_SECONDS: dict[Grain, int] = {"week": WEEK, "hour": HOUR, "minute": MINUTE}
_FIRST_WINDOW: dict[Grain, int] = {"week": FIRST_MONDAY, "hour": 0, "minute": 0}

Int64Array = NDArray[np.int64]


@dataclass(frozen=True)
class ViewCounts:
    """Distinct views: `views[i]` of the article `names[articles[i]]` in minute `minutes[i]`.

    Sorted by minute, then by article name.
    """

    names: list[str]
    articles: Int64Array
    minutes: Int64Array
    views: Int64Array

    @property
    def total(self) -> int:
        return int(self.views.sum())

    def top(self, count: int) -> list[tuple[str, int]]:
        """Return the `count` articles with the most views; ties in order of name."""
        totals = self._totals().tolist()
        ranked = sorted(zip(self.names, totals, strict=True), key=lambda pair: (-pair[1], pair[0]))
        return ranked[:count]

    def digest(self, site: str) -> str:
        """Return the SHA-256 of site and counts, in hexadecimal."""
        columns = (self.articles, self.minutes, self.views)
        names = "\n".join((site, *self.names, "")).encode()
        return digest((names, *(column.astype("<i8").tobytes() for column in columns)))

    def blocks(self, site: str, now: int) -> Iterator[Block]:
        """Yield rows of `counter_versions` for these views.

        Rows that ClickHouse's TTL would delete at `now` (epoch seconds) are left out.
        """
        windows = np.zeros(len(self.names), np.int64)
        yield from _grain_blocks(site, "total", self.names, windows, self._totals())
        for grain, length in _WINDOW_SECONDS.items():
            seconds = self.minutes * MINUTE - _FIRST_WINDOW[grain]
            windows = np.maximum(0, seconds // length * length + _FIRST_WINDOW[grain])
            current = windows + ROW_TTL_SECONDS[grain] > now
            keys = windows[current] * len(self.names) + self.articles[current]
            distinct, inverse = np.unique(keys, return_inverse=True)
            sums = np.bincount(inverse, self.views[current], len(distinct)).astype(int)
            names = [self.names[index] for index in (distinct % len(self.names)).tolist()]
            yield from _grain_blocks(site, grain, names, distinct // len(self.names), sums)

    def _totals(self) -> Int64Array:
        return np.bincount(self.articles, self.views, len(self.names)).astype(int)


class ViewLog:
    """All views read so far, repeated ones included."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._minutes = array("I")
        self._articles = array("I")
        self._article_numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def last_id(self) -> int:
        """The id of the view added last; repeated views have the same."""
        return self._ids[-1]

    def add(self, article: str, minute: int, reader: object) -> None:
        """Add a view by `reader` (any hashable); `minute` since the epoch."""
        self._ids.append(hash((article, minute // _SLOT_MINUTES, reader)))
        self._minutes.append(minute)
        number = self._article_numbers.setdefault(article, len(self._article_numbers))
        self._articles.append(number)

    def count(self) -> ViewCounts:
        """Return the distinct views."""
        ids = np.frombuffer(self._ids, np.int64)
        minutes = np.frombuffer(self._minutes, np.uint32)
        order = np.lexsort((minutes, ids))
        ids = ids[order]
        first = order[np.concatenate(([True], ids[1:] != ids[:-1]))[: len(ids)]]
        del ids, order
        names = sorted(self._article_numbers)
        rank = np.empty(len(names), np.int64)
        rank[[self._article_numbers[name] for name in names]] = np.arange(len(names))
        articles = rank[np.frombuffer(self._articles, np.uint32)[first]]
        keys, views = np.unique(
            minutes[first].astype(np.int64) * max(1, len(names)) + articles, return_counts=True
        )
        return ViewCounts(names, keys % max(1, len(names)), keys // max(1, len(names)), views)


def _grain_blocks(
    site: str, grain: Grain, articles: list[str], windows: Int64Array, views: Int64Array
) -> Iterator[Block]:
    rows = len(articles)
    return split_blocks(
        {
            "site": [site] * rows,
            "grain": [grain] * rows,
            "window": windows.tolist(),
            "article_id": articles,
            "views": views.tolist(),
            "comments": [0] * rows,
            "likes": [0] * rows,
        }
    )
