"""Which counter rows a list is made of, and how often each counts in which of its numbers."""

from datetime import datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.buckets import Weighing, difference, weighing
from mostread.core.ranking.scoring import TRENDING_PAST, decayed
from mostread.core.ranking.windows import LIFETIME, Window, after_this_minute


class Plan(NamedTuple):
    """The numbers of a list: `counts` are those of its window.

    `base` is what its score is made of: the same rows in millionths, or for what is trending
    those of the day before the window. It ends at `base_end`.
    """

    counts: Weighing
    base: Weighing
    base_end: datetime


def plan(window: Window, now: datetime, half_life: timedelta | None = None) -> Plan:
    """Plan a list by counts or by score.

    A window of all time that ends before `now` is what the totals are without what came since:
    they have no time themselves.
    """
    counts = weighing(window, now)
    this_minute = after_this_minute(now)
    if window.name == LIFETIME and window.end < this_minute:
        counts = difference(counts, weighing(Window("", window.end, this_minute), now))
    end = min(window.end, this_minute)
    return Plan(counts, decayed(counts, end, half_life), end)


def trending_plan(window: Window, now: datetime) -> Plan:
    """Plan a list of what is trending in a window: against the day before it."""
    past = Window("", window.start - TRENDING_PAST, window.start)
    return Plan(weighing(window, now), weighing(past, now), window.start)
