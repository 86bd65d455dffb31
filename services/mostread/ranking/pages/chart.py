"""Draw charts as SVG: of an article's counts over time, and of its ranks.

A chart is as wide as the page, so its paths are in a box of SIZE by SIZE, and its texts
are placed by percentages. Paths break where there is no value.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from mostread.core.ranking.windows import HOUR, MINUTE, day_start
from mostread.ranking.api import serializers
from mostread.ranking.pages.i18n import Translator
from mostread.ranking.service.article_chart import Bin
from mostread.ranking.service.typical import Typical

SIZE = 1000
_MAX_TICKS = 8
_LABEL_LINES = 6
_DAY = timedelta(days=1)
_TICK_STEPS = (
    *(n * MINUTE for n in (5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 5, 10, 20, 50, 100)),
)


class Point(NamedTuple):
    """A point of a path; `y` is 0 at the top. A path breaks where it is None."""

    x: float
    y: float | None


class Tick(NamedTuple):
    """A label on an axis, at `at` percent of its length."""

    at: float
    label: str


class Mark(NamedTuple):
    """A moment to show in a chart, such as a decision; `kind` is also the class of its line."""

    kind: str
    time: datetime
    label: str


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """A mark at `at` percent of the width; the base line of its label is `line` em from the top."""

    kind: str
    at: float
    label: str
    line: float
    left: bool
    """Whether the label is left of the line."""


class Cell(NamedTuple):
    """The part of a chart where the pointer shows the values of a bin: RFC 3339, and in words."""

    x: float
    width: float
    start: str
    end: str
    text: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Bars of numbers that are too few for the scale of the views."""

    name: str
    largest: str
    bars: str


@dataclass(frozen=True, slots=True)
class CountsChart:
    """Views as a line with an area that end with the last complete bin; bars for later ones."""

    line: str
    area: str
    unfinished: str
    typical: str
    y_ticks: list[Tick]
    x_ticks: list[Tick]
    strips: list[Strip]
    marks: list[PlacedMark]


@dataclass(frozen=True, slots=True)
class RanksChart:
    """Ranks as a line, on a logarithmic scale from the first to the last of the list."""

    line: str
    y_ticks: list[Tick]
    x_ticks: list[Tick]
    marks: list[PlacedMark]


class TimeScale(NamedTuple):
    """Maps times to positions: 0 at `start`, SIZE at `end`."""

    start: datetime
    end: datetime

    def x(self, time: datetime) -> float:
        return round(SIZE * ((time - self.start) / (self.end - self.start)), 1)

    def percent(self, time: datetime) -> float:
        return round(100 * ((time - self.start) / (self.end - self.start)), 2)


def counts_chart(
    bins: Sequence[Bin],
    typical: Typical | None,
    marks: Iterable[Mark],
    zone: tzinfo,
    t: Translator,
) -> CountsChart:
    """Draw the bins of a chart, of which there is at least one."""
    scale = TimeScale(bins[0].start, bins[-1].end)
    usual = list(_usual(typical, bins, scale)) if typical else []
    step, top = nice_scale(max((*(each.counts.views for each in bins), *(y for _, y in usual))))

    def point(x: float, value: float) -> Point:
        return Point(x, SIZE * (1 - max(0, value) / top))

    points = [point(scale.x(_middle(each)), each.counts.views) for each in bins]
    complete = [p for p, each in zip(points, bins, strict=True) if each.complete]
    line = path(complete)
    area = f"{line}V{SIZE}H{complete[0].x:g}z" if complete else ""
    labels = [Tick(100 - 100 * n * step / top, t.number(n * step)) for n in range(top // step + 1)]
    return CountsChart(
        line=line,
        area=area,
        unfinished="".join(
            f"M{scale.x(each.start):g} {SIZE}V{p.y:.0f}H{scale.x(each.end):g}V{SIZE}z"
            for p, each in zip(points, bins, strict=True)
            if not each.complete and each.counts.views > 0
        ),
        typical=path([point(x, y) for x, y in usual]),
        y_ticks=labels,
        x_ticks=time_ticks(scale, zone, t),
        strips=[
            strip
            for name in ("comments", "likes")
            if (strip := _strip(name, [getattr(b.counts, name) for b in bins], bins, scale, t))
        ],
        marks=place_marks(marks, scale),
    )


def ranks_chart(
    ranks: Sequence[tuple[datetime, int | None]],
    length: int,
    marks: Sequence[Mark],
    zone: tzinfo,
    t: Translator,
) -> RanksChart:
    """Draw ranks, each at the end of its hour, in a list of `length` articles."""
    scale = TimeScale(ranks[0][0] - HOUR, ranks[-1][0])
    lowest = max(10, length, *(rank or 0 for _, rank in ranks))

    def percent(rank: int) -> float:
        return 4 + 92 * math.log(rank) / math.log(lowest)

    # A rank lasts for its hour, so that a single one is visible too.
    edges = [(end - HOUR, end) for end, _ in ranks]
    published = next((mark.time for mark in marks if mark.kind == "published"), edges[0][0])
    if edges[0][0] < published < edges[0][1]:
        edges[0] = (published, edges[0][1])
    points = [
        Point(scale.x(edge), None if rank is None else SIZE / 100 * percent(rank))
        for hour, (_, rank) in zip(edges, ranks, strict=True)
        for edge in hour
    ]
    powers = [10**n for n in range(5) if 10**n * 2 <= lowest]
    return RanksChart(
        line=path(points),
        y_ticks=[Tick(round(percent(rank), 2), t.number(rank)) for rank in (*powers, lowest)],
        x_ticks=time_ticks(scale, zone, t),
        marks=place_marks(marks, scale),
    )


def path(points: Iterable[Point]) -> str:
    """Return points as an SVG path, which shows a single one as a dot."""
    parts = []
    pen = "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        parts.append(f"{pen}{x:g} {y:.0f}")
        pen = "L"
    return "".join(parts) + "h0" if len(parts) == 1 else "".join(parts)


def nice_scale(largest: float) -> tuple[int, int]:
    """Return the step of the labels of an axis from 0, and its end: 2, 5 or 10 times a power."""
    rough = max(4.0, largest) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= rough)
    return step, step * math.ceil(max(4.0, largest) / step)


def time_ticks(scale: TimeScale, zone: tzinfo, t: Translator) -> list[Tick]:
    """Return labels at round local times: the time, or the date at midnight."""
    length = scale.end - scale.start
    step = next((each for each in _TICK_STEPS if length / each <= _MAX_TICKS), _TICK_STEPS[-1])
    ticks = []
    for moment in _round_times(scale, step, zone):
        local = moment.astimezone(zone)
        dated = step >= _DAY or (local.hour, local.minute) == (0, 0)
        label = t.short_date(local) if dated else f"{local:%H:%M}"
        # A label at the edge would be cut off.
        if 2 < (at := scale.percent(moment)) < 97:
            ticks.append(Tick(at, label))
    return ticks


def _round_times(scale: TimeScale, step: timedelta, zone: tzinfo) -> Iterator[datetime]:
    day = scale.start.astimezone(zone).date()
    while (midnight := day_start(day, zone)) < scale.end:
        if step >= _DAY:
            yield midnight
            day += step
            continue
        # In local time: an hour that is skipped or repeated moves the rest of the day.
        for minutes in range(0, 24 * 60, step // MINUTE):
            local = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone)
            moment = local.astimezone(UTC)
            if scale.start <= moment < scale.end and moment.astimezone(zone).hour == local.hour:
                yield moment
        day += _DAY


def place_marks(marks: Iterable[Mark], scale: TimeScale) -> list[PlacedMark]:
    """Place the marks within a chart, their labels below each other."""
    inside = sorted(
        (mark for mark in marks if scale.start <= mark.time <= scale.end), key=lambda m: m.time
    )
    placed = []
    for row, mark in enumerate(inside):
        at = scale.percent(mark.time)
        line = round(1.1 + 1.3 * (row % _LABEL_LINES), 1)
        placed.append(PlacedMark(mark.kind, at, mark.label, line, left=at > 66))
    return placed


def cells(bins: Sequence[Bin], text: Callable[[Bin], str]) -> list[Cell]:
    """Return the cells of a chart, described by `text`."""
    scale = TimeScale(bins[0].start, bins[-1].end)
    return [
        Cell(
            scale.x(each.start),
            round(scale.x(each.end) - scale.x(each.start), 1),
            serializers.rfc3339(each.start),
            serializers.rfc3339(each.end),
            text(each),
        )
        for each in bins
    ]


def _strip(
    name: str, numbers: Sequence[int], bins: Sequence[Bin], scale: TimeScale, t: Translator
) -> Strip | None:
    largest = max(numbers)
    if largest <= 0:
        return None
    bars = [
        f"M{scale.x(_middle(each)):g} {SIZE}V{SIZE - SIZE * number / largest:.0f}"
        for each, number in zip(bins, numbers, strict=True)
        if number > 0
    ]
    return Strip(name, t.number(largest), "".join(bars))


def _usual(
    typical: Typical, bins: Sequence[Bin], scale: TimeScale
) -> Iterator[tuple[float, float]]:
    """Yield the typical views of a bin, each at the middle of an age."""
    share = (bins[0].end - bins[0].start) / typical.step
    for row in typical.rows:
        middle = typical.born + (row.age + 0.5) * typical.step
        if scale.start <= middle <= scale.end:
            yield scale.x(middle), row.views * share


def _middle(each: Bin) -> datetime:
    return each.start + (each.end - each.start) / 2
