"""Steps of time: the bins of charts and of time series."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from mostread.core.ranking.windows import HOUR, MINUTE, Window, day_start

StepLength = Literal["minute", "ten_minutes", "hour", "day"]

LENGTHS: Mapping[StepLength, timedelta] = {
    "minute": MINUTE,
    "ten_minutes": 10 * MINUTE,
    "hour": HOUR,
    "day": timedelta(days=1),
}
"""Length of a step; a local day may be an hour shorter or longer."""


def step_start(timestamp: datetime, step: StepLength, zone: tzinfo = UTC) -> datetime:
    """Return the start of the step of a time, in UTC; `zone` affects days only."""
    if step == "day":
        return day_start(timestamp.astimezone(zone).date(), zone)
    seconds = int(LENGTHS[step].total_seconds())
    return datetime.fromtimestamp(int(timestamp.timestamp()) // seconds * seconds, UTC)


def step_end(start: datetime, step: StepLength, zone: tzinfo = UTC) -> datetime:
    """Return the end of the step that starts at `start`; `zone` affects days only."""
    if step == "day":
        return day_start(start.astimezone(zone).date() + LENGTHS[step], zone)
    return start + LENGTHS[step]


def split(start: datetime, end: datetime, step: StepLength, zone: tzinfo = UTC) -> Iterator[Window]:
    """Yield the windows of the steps from `start` to before `end`."""
    while start < end:
        following = step_end(start, step, zone)
        yield Window("", start, following)
        start = following
