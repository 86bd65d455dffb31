"""Forgets of a batch, and what they leave of a counter."""

from collections.abc import Iterable

from mostread.core.control import ALL_ARTICLES, Forget
from mostread.core.counting.counters import Counter, CounterKey


class LastForgets:
    """The last forget of each site and article, of forgets in the order of their offsets."""

    def __init__(self, forgets: Iterable[Forget]) -> None:
        self._offsets = {(each.site, each.article_id): each.offset for each in forgets}

    def __bool__(self) -> bool:
        return bool(self._offsets)

    def offset(self, site: str, article_id: str) -> int:
        """Return the offset of the last forget that names an article, -1 without one."""
        offsets = self._offsets
        return max(offsets.get((site, ALL_ARTICLES), -1), offsets.get((site, article_id), -1))

    def apply(self, key: CounterKey, counter: Counter) -> Counter:
        """Return zeros at the offset of a forget above the counter's version, else `counter`."""
        offset = self.offset(key.site, key.article_id)
        return Counter(0, 0, 0, offset) if offset > counter.version else counter
