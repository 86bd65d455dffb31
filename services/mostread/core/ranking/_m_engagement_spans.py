"""Which counter rows a window is the sum of.

Counters come in three grains: `minute`, `hour` (the sum of its minutes) and `total`. A window
is read as whole hours, and made exact at its two edges by minutes: added where the hours stop
short of the edge, taken away where they reach beyond it. Of the two ways each edge takes the
one with fewer minutes to read. That is at most 30 of them, and almost none where the window
ends now: the rest of the hour has not happened yet.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from mostread.core.counting.counters import Grain
from mostread.core.ranking.windows import EPOCH, LIFETIME, MINUTE, Window, after_this_minute

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of one grain with `start` <= window < `end`, each counted `sign` times."""

    grain: Grain
    start: datetime
    end: datetime
    sign: Literal[1, -1] = 1


class Spans(NamedTuple):
    """The rows of a window: `whole`, and minutes at the two edges. Each may be empty."""

    whole: Span
    head: Span
    tail: Span


def spans(window: Window, now: datetime) -> Spans:
    """Split a window; `now` only decides what is cheaper, never what is counted."""
    empty = Span("minute", EPOCH, EPOCH)
    if window.name == LIFETIME:
        return Spans(Span("total", EPOCH, EPOCH + MINUTE), empty, empty)
    start, end = window.start, window.end
    first, last = _nearest_hour(start, now), _nearest_hour(end, now)
    if first >= last:
        return Spans(Span("hour", first, first), Span("minute", start, end), empty)
    return Spans(
        Span("hour", first, last),
        Span("minute", start, first) if start < first else Span("minute", first, start, -1),
        Span("minute", last, end) if last < end else Span("minute", end, last, -1),
    )


def _nearest_hour(edge: datetime, now: datetime) -> datetime:
    below = edge.replace(minute=0)
    if below == edge:
        return edge
    above = below + HOUR
    filled = min(above, after_this_minute(now))
    return above if filled - edge <= edge - below else below
