"""Skipped ranges: offsets whose records nobody can read, and that every reader passes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class SkippedRange(NamedTuple):
    """Offsets from `first_offset` up to, but not including, `next_offset`.

    Those below `counted_until` were counted while they could be read. `skipped_at` is in
    milliseconds.
    """

    partition: int
    first_offset: int
    next_offset: int
    counted_until: int
    reason: str
    skipped_by: str
    skipped_at: int = 0


def skip_end(offset: int, skipped: Sequence[SkippedRange]) -> int:
    """Return the first offset from `offset` on that is in none of the ranges, sorted by offset."""
    for each in skipped:
        if each.first_offset <= offset < each.next_offset:
            offset = each.next_offset
    return offset


def readable_ranges(start: int, until: int, skipped: Sequence[SkippedRange]) -> Iterator[range]:
    """Yield the offsets from `start` on, below `until`, outside the ranges, sorted by offset."""
    for each in skipped:
        if start < min(each.first_offset, until):
            yield range(start, min(each.first_offset, until))
        start = max(start, each.next_offset)
    if start < until:
        yield range(start, until)
