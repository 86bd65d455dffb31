"""Choose the period and the bins of an article's chart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mostread.core.ranking.windows import HOUR
from mostread.core.retention import HOUR_ROW_TTL_SECONDS, MINUTE_ROW_TTL_SECONDS
from mostread.errors import BadParameter, ReversedRange
from mostread.ranking.api.params.periods import RANGE, range_end, range_start
from mostread.ranking.api.params.values import one_of
from mostread.ranking.steps import LENGTHS, StepLength, step_end, step_start

DAY = timedelta(days=1)

SPANS: Mapping[str, tuple[StepLength, timedelta]] = {
    "3h": ("minute", timedelta(hours=3)),
    "24h": ("ten_minutes", timedelta(hours=24)),
    "7d": ("hour", timedelta(days=7)),
    "30d": ("day", timedelta(days=30)),
    "400d": ("day", timedelta(days=400)),
}
"""Periods that end now, with their bins."""

LIFE = "life"
"""The period since publication, which is the default."""

OWN = "own"
_UNKNOWN_AGE = "7d"
_SHORTEST_LIFE = HOUR
_OLDEST = timedelta(seconds=HOUR_ROW_TTL_SECONDS)
_MINUTES_KEPT = timedelta(seconds=MINUTE_ROW_TTL_SECONDS) - DAY


PARAMETERS = {"over": one_of((LIFE, *SPANS)), **RANGE}


@dataclass(frozen=True, slots=True)
class ChartRange:
    """A period of a chart, `name` among SPANS, LIFE or OWN; both edges are those of bins."""

    name: str
    step: StepLength
    start: datetime
    end: datetime


def choose(
    values: Mapping[str, Any], published: datetime | None, now: datetime, tz: str
) -> ChartRange:
    """Return the range that the parameters ask for, or the article's life.

    A date is a day of the zone `tz`; as `to` it is included. Raises BadParameter.
    """
    if "from" in values or "to" in values:
        if "over" in values:
            raise BadParameter("over", "over cannot be combined with from and to", "one of them")
        if "from" not in values:
            raise BadParameter("from", "from is missing", "from, with or without to")
        written = range_end(values.get("to"), tz)
        start = range_start(values["from"], tz)
        if written is not None and written <= start:
            raise ReversedRange
        end = min(written or now, now)
        if start >= end:
            raise BadParameter("from", "from is not before now", "an earlier time")
        if start < now - _OLDEST:
            allowed = f"a time at most {_OLDEST.days} days ago, the retention of hourly counts"
            raise BadParameter("from", "from is too long ago", allowed)
        return _range(OWN, _step(start, end, now), start, end, tz)
    name = str(values.get("over", LIFE))
    if name == LIFE and published is not None and published <= now:
        start = max(min(published, now - _SHORTEST_LIFE), now - _OLDEST + DAY)
        return _range(name, _step(start, now, now), start, now, tz)
    if name == LIFE:
        name = _UNKNOWN_AGE
    step, length = SPANS[name]
    # A period of whole bins that contains the current one.
    start = max(now + LENGTHS[step] - length, now - _OLDEST + DAY)
    return _range(name, step, start, now, tz)


def _step(start: datetime, end: datetime, now: datetime) -> StepLength:
    """Return the shortest step of which a chart shows at most a few hundred."""
    length = end - start
    kept = start > now - _MINUTES_KEPT
    if kept and length <= timedelta(hours=4):
        return "minute"
    if kept and length <= timedelta(hours=40):
        return "ten_minutes"
    return "hour" if length <= timedelta(days=16) else "day"


def _range(name: str, step: StepLength, start: datetime, end: datetime, tz: str) -> ChartRange:
    zone = ZoneInfo(tz)
    last = step_start(end - timedelta.resolution, step, zone)
    return ChartRange(name, step, step_start(start, step, zone), step_end(last, step, zone))
