"""Plan which counter rows a list reads, and the weight of each.

A window is a sum of rows (`windows.spans`), and so is everything derived from windows: the
difference of two, or a window in which older rows weigh less. Each is a mapping from rows to
weights, so that one query can read the rows of several at once.

**Score.** The sum of views, comments and likes, each multiplied by its weight. With a half-life
an event loses weight with age: 2 ** (-age / half-life), exponential decay. The age of an event is
that of its hour: the time since the hour ended, 0 while it lasts. So the score changes smoothly,
and is a sum of hour rows; those that count less than a millionth are not read.

**Trending.** The views of the last hour, and those of the day before it: see trends.py.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from mostread.core.counting.counters import HOUR as HOUR_SECONDS
from mostread.core.counting.counters import Grain
from mostread.core.ranking.trends import TRENDING_BASELINE
from mostread.core.ranking.windows import (
    HOUR,
    LIFETIME,
    MINUTE,
    WEEK,
    Span,
    Window,
    after_this_minute,
    spans,
)

FULL = 1_000_000
"""Weight of an event of age 0. Decay is in whole millionths, so that a sum does not depend on
the order of its terms."""

LENGTH: dict[Grain, timedelta] = {
    "minute": MINUTE,
    "hour": HOUR,
    "week": WEEK,
    "total": MINUTE,
}


class Bucket(NamedTuple):
    """The rows of one grain and window; `start` is in epoch seconds, 0 for total."""

    grain: Grain
    start: int


RowWeights = Mapping[Bucket, int]
"""How much each row counts; absent rows do not count."""


class QueryPlan(NamedTuple):
    """Row weights of a list: `counts` yields the counts of its window.

    `base` yields the score: the window in millionths; or, for trending, the views of the day
    before the window. It ends at `base_end`.
    """

    counts: RowWeights
    base: RowWeights
    base_end: datetime


def plan(window: Window, now: datetime, half_life: timedelta | None = None) -> QueryPlan:
    """Plan a list ordered by counts or score.

    Totals carry no time: a lifetime window that ends before `now` is the totals minus the
    counts since its end.
    """
    counts = row_weights(window, now)
    this_minute = after_this_minute(now)
    if window.name == LIFETIME and window.end < this_minute:
        counts = subtract(counts, row_weights(Window("", window.end, this_minute), now))
    end = min(window.end, this_minute)
    if half_life is None:
        return QueryPlan(counts, {bucket: weight * FULL for bucket, weight in counts.items()}, end)
    return QueryPlan(counts, decay(row_weights(window, now, weeks=False), end, half_life), end)


def trending_plan(window: Window, now: datetime) -> QueryPlan:
    """Plan a trending list: a window compared with the day before it."""
    baseline = Window("", window.start - TRENDING_BASELINE, window.start)
    return QueryPlan(row_weights(window, now), row_weights(baseline, now), window.start)


def row_weights(window: Window, now: datetime, *, weeks: bool = True) -> RowWeights:
    """Return the row weights of a window; `now` and `weeks` affect the cost of the query only."""
    weights: dict[Bucket, int] = {}
    for span in spans(window, now, weeks=weeks):
        for start in _starts(span):
            # In a short window the minutes at both edges may overlap.
            bucket = Bucket(span.grain, start)
            weights[bucket] = weights.get(bucket, 0) + span.sign
    return {bucket: weight for bucket, weight in weights.items() if weight}


def subtract(minuend: RowWeights, subtrahend: RowWeights) -> RowWeights:
    """Return the difference of two mappings, without rows of weight 0."""
    return {
        bucket: weight
        for bucket in dict.fromkeys((*minuend, *subtrahend))
        if (weight := minuend.get(bucket, 0) - subtrahend.get(bucket, 0))
    }


def decay(weights: RowWeights, until: datetime, half_life: timedelta) -> RowWeights:
    """Return the weights of minutes and hours in millionths, decayed to the time `until`.

    Rows of weight 0 are left out.
    """
    end = int(until.timestamp())
    return {
        bucket: decayed
        for bucket, weight in weights.items()
        if (decayed := weight * _millionths(bucket, end, half_life))
    }


def _starts(span: Span) -> Iterable[int]:
    length = int(LENGTH[span.grain].total_seconds())
    return range(int(span.start.timestamp()), int(span.end.timestamp()), length)


def _millionths(bucket: Bucket, until: int, half_life: timedelta) -> int:
    hour_end = bucket.start - bucket.start % HOUR_SECONDS + HOUR_SECONDS
    age = max(0, until - hour_end)
    return round(FULL * 2 ** (-age / half_life.total_seconds()))
