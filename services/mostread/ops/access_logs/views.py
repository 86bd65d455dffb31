"""Views, each once for a reader, an article and half an hour, and the counters they become.

The id of a view is made from its line: from article, reader and half hour. A line that comes
again, in the same file or in another, is the same view. Of several the first in time counts, so
that the order in which files are read makes no difference.

A view costs 16 bytes until all are read, and some 70 for a moment then; its id is a 64-bit hash.
The chance that among n views one is taken for another is n squared / 2^65: 3 in a million where
n is ten millions.
"""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mostread.core.counting.counters import HOUR, MINUTE, Grain
from mostread.ops.imports.repository import ROWS_A_BLOCK, Block

HALF_HOUR = 30
"""In minutes."""

KEPT_SECONDS: dict[Grain, int] = {"minute": 35 * 86_400, "hour": 400 * 86_400}
"""How long ClickHouse keeps the rows of a grain: TTL of schemas/clickhouse/0001_counters.sql."""

_LENGTHS: dict[Grain, int] = {"hour": HOUR, "minute": MINUTE}

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Counted:
    """Distinct views: `views[i]` of the article `names[articles[i]]` in the minute `minutes[i]`.

    Sorted by minute, then by the article's name.
    """

    names: list[str]
    articles: Numbers
    minutes: Numbers
    views: Numbers

    @property
    def total(self) -> int:
        return int(self.views.sum())

    def first(self, count: int) -> list[tuple[str, int]]:
        """Return the articles with the most views; where two have the same, by their names."""
        totals = self._totals().tolist()
        ranked = sorted(zip(self.names, totals, strict=True), key=lambda each: (-each[1], each[0]))
        return ranked[:count]

    def digest(self, site: str) -> str:
        """Return SHA-256 of what is counted, in hexadecimal."""
        found = hashlib.sha256("\n".join((site, *self.names, "")).encode())
        for column in (self.articles, self.minutes, self.views):
            found.update(column.astype("<i8").tobytes())
        return found.hexdigest()

    def blocks(self, site: str, now: int) -> Iterator[Block]:
        """Yield the rows of `counters` that these views become, without those that ClickHouse
        would remove by their age at `now` (epoch seconds).
        """
        never = np.zeros(len(self.names), np.int64)
        yield from _blocks(site, "total", self.names, never, self._totals())
        for grain, length in _LENGTHS.items():
            windows = self.minutes * MINUTE // length * length
            young = windows + KEPT_SECONDS[grain] > now
            keys = windows[young] * len(self.names) + self.articles[young]
            distinct, of = np.unique(keys, return_inverse=True)
            sums = np.bincount(of, self.views[young], len(distinct)).astype(int)
            names = [self.names[at] for at in (distinct % len(self.names)).tolist()]
            yield from _blocks(site, grain, names, distinct // len(self.names), sums)

    def _totals(self) -> Numbers:
        return np.bincount(self.articles, self.views, len(self.names)).astype(int)


class Views:
    """What was seen so far."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._minutes = array("I")
        self._articles = array("I")
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, article: str, minute: int, reader: object) -> None:
        """Remember that `reader` (anything with a hash) read it; `minute` since the epoch."""
        self._ids.append(hash((article, minute // HALF_HOUR, reader)))
        self._minutes.append(minute)
        self._articles.append(self._numbers.setdefault(article, len(self._numbers)))

    def counted(self) -> Counted:
        """Return the distinct views."""
        ids = np.frombuffer(self._ids, np.int64)
        minutes = np.frombuffer(self._minutes, np.uint32)
        order = np.lexsort((minutes, ids))
        ids = ids[order]
        kept = order[np.concatenate(([True], ids[1:] != ids[:-1]))[: len(ids)]]
        del ids, order
        names = sorted(self._numbers)
        rank = np.empty(len(names), np.int64)
        rank[[self._numbers[name] for name in names]] = np.arange(len(names))
        articles = rank[np.frombuffer(self._articles, np.uint32)[kept]]
        keys, views = np.unique(
            minutes[kept].astype(np.int64) * max(1, len(names)) + articles, return_counts=True
        )
        return Counted(names, keys % max(1, len(names)), keys // max(1, len(names)), views)


def _blocks(
    site: str, grain: Grain, articles: list[str], windows: Numbers, views: Numbers
) -> Iterator[Block]:
    for start in range(0, len(articles), ROWS_A_BLOCK):
        part = slice(start, start + ROWS_A_BLOCK)
        rows = len(articles[part])
        yield {
            "site": [site] * rows,
            "grain": [grain] * rows,
            "window": windows[part].tolist(),
            "article_id": articles[part],
            "views": views[part].tolist(),
            "comments": [0] * rows,
            "likes": [0] * rows,
        }
