"""Choose the period and the bins of an article's chart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from mostread.core.ranking.windows import HOUR, day_start
from mostread.core.retention import HOUR_ROW_TTL_SECONDS, MINUTE_ROW_TTL_SECONDS
from mostread.errors import BadParameter
from mostread.ranking.api.params.values import TIMESTAMP, Parameter, one_of
from mostread.ranking.service.article_chart import LENGTHS, ChartStep, floor, next_edge

DAY = timedelta(days=1)

SPANS: Mapping[str, tuple[ChartStep, timedelta]] = {
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


def _moment(value: str) -> date | datetime:
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return date.fromisoformat(value)
    moment: datetime = TIMESTAMP.parse(value)
    return moment


_MOMENT = Parameter("a date or an RFC 3339 time, for example 2026-11-23", _moment)
PARAMETERS = {"over": one_of((LIFE, *SPANS)), "from": _MOMENT, "to": _MOMENT}


@dataclass(frozen=True, slots=True)
class ChartRange:
    """A period of a chart, `name` among SPANS, LIFE or OWN; both edges are those of bins."""

    name: str
    step: ChartStep
    start: datetime
    end: datetime


def choose(
    values: Mapping[str, object], published: datetime | None, now: datetime, tz: str
) -> ChartRange:
    """Return the range that the parameters ask for, or the article's life.

    A date is a day of the zone `tz`; as `to` it is included. Raises BadParameter.
    """
    zone = ZoneInfo(tz)
    if "from" in values or "to" in values:
        if "over" in values:
            raise BadParameter("over", "over cannot be combined with from and to", "one of them")
        start, end = _start(values.get("from"), zone), _end(values.get("to"), now, zone)
        start = start or end - DAY
        if start >= end:
            raise BadParameter(
                "from", "from is not before to, or not before now", "an earlier time"
            )
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


def _start(value: object, zone: ZoneInfo) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return day_start(value, zone) if isinstance(value, date) else None


def _end(value: object, now: datetime, zone: ZoneInfo) -> datetime:
    if isinstance(value, datetime):
        return min(value, now)
    return min(day_start(value + DAY, zone), now) if isinstance(value, date) else now


def _step(start: datetime, end: datetime, now: datetime) -> ChartStep:
    """Return the shortest step of which a chart shows at most a few hundred."""
    length = end - start
    kept = start > now - _MINUTES_KEPT
    if kept and length <= timedelta(hours=4):
        return "minute"
    if kept and length <= timedelta(hours=40):
        return "ten_minutes"
    return "hour" if length <= timedelta(days=16) else "day"


def _range(name: str, step: ChartStep, start: datetime, end: datetime, tz: str) -> ChartRange:
    last = floor(end - timedelta.resolution, step, tz)
    first = floor(start, step, tz).astimezone(UTC)
    return ChartRange(name, step, first, next_edge(last, step, tz))
