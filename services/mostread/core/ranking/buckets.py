"""How often each counter row counts in a number that a list needs.

A window is a sum of rows (see spans.py), and so is whatever is made of windows: a difference of
two, or one in which older rows weigh less. Each is a mapping of rows to how often they count, so
that one query can read the rows of several at once.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from mostread.core.counting.counters import Grain
from mostread.core.ranking.windows import HOUR, MINUTE, Span, Window, spans

_LENGTH: dict[Grain, timedelta] = {"minute": MINUTE, "hour": HOUR, "total": MINUTE}


class Bucket(NamedTuple):
    """The rows of one grain and window; `start` is in epoch seconds, 0 for total."""

    grain: Grain
    start: int


Weighing = Mapping[Bucket, int]
"""How often each row counts; a row that is not in it does not."""


def weighing(window: Window, now: datetime) -> Weighing:
    """Return how often each row counts in a window; `now` decides only what is cheaper."""
    counted: dict[Bucket, int] = {}
    for span in spans(window, now):
        for start in _starts(span):
            # Where a window is short, minutes at its two edges may meet.
            bucket = Bucket(span.grain, start)
            counted[bucket] = counted.get(bucket, 0) + span.sign
    return {bucket: times for bucket, times in counted.items() if times}


def difference(whole: Weighing, part: Weighing) -> Weighing:
    """Return what is left of `whole` without `part`."""
    return {
        bucket: times
        for bucket in dict.fromkeys((*whole, *part))
        if (times := whole.get(bucket, 0) - part.get(bucket, 0))
    }


def _starts(span: Span) -> Iterable[int]:
    length = int(_LENGTH[span.grain].total_seconds())
    return range(int(span.start.timestamp()), int(span.end.timestamp()), length)
