"""The strip above the list: views now and in the window, with yesterday and a week ago."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.windows import EPOCH, HOUR, Window
from mostread.errors import MostreadError
from mostread.ranking.cache.cache import Cache
from mostread.ranking.pages.change import Change, change
from mostread.ranking.pages.i18n import Translator
from mostread.ranking.queries import ListQuery, SiteSeriesQuery, TotalsQuery
from mostread.ranking.service.site_series import SiteSeries
from mostread.ranking.service.totals import NOW_MINUTES, Totals
from mostread.ranking.steps import step_start

_BEFORE, _AFTER = 18 * HOUR, 6 * HOUR
"""Extent of the chart: until now, and on, where only the earlier days have readers."""

WIDTH, HEIGHT = 24 * 10, 40

_EARLIER = (("yesterday", timedelta(days=1)), ("week_ago", timedelta(days=7)))
_TIMEOUT_SECONDS = 1.0


class Line(NamedTuple):
    """A line of the chart: its name, and the points of an SVG polyline of WIDTH by HEIGHT."""

    name: str
    points: str


@dataclass(frozen=True, slots=True)
class SiteNow:
    """Totals of a site, and its views by hour: today, yesterday and a week ago."""

    totals: Totals
    series: Sequence[SiteSeries]


@dataclass(frozen=True, slots=True)
class NowReader:
    """Reads what the strip shows from caches."""

    totals: Cache[TotalsQuery, Totals]
    series: Cache[SiteSeriesQuery, SiteSeries]

    async def get(self, query: ListQuery, now: datetime) -> SiteNow | None:
        """Return the totals and series for the site and filters of a list, None on failure."""
        filters = query.filters
        hour = step_start(now, "hour")
        spans = [
            (hour - _BEFORE, hour),
            *((hour - _BEFORE - ago, hour + _AFTER - ago) for _, ago in _EARLIER),
        ]
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                totals, *series = await asyncio.gather(
                    self.totals.get(
                        TotalsQuery(
                            query.site,
                            filters,
                            query.window,
                            query.tz,
                            query.bounds,
                            query.compare,
                        )
                    ),
                    *(
                        self.series.get(
                            SiteSeriesQuery(query.site, filters, "hour", start, end, None)
                        )
                        for start, end in spans
                    ),
                )
        except (MostreadError, TimeoutError):
            return None
        return SiteNow(totals, series)  # type: ignore[arg-type]  # gather loses the types


def now_parts(site: SiteNow | None, query: ListQuery, now: datetime, t: Translator) -> object:
    """Return the values of the strip, None without totals."""
    if site is None:
        return None
    totals = site.totals
    earlier = zip(_EARLIER, (totals.now.day_before, totals.now.week_before), strict=True)
    return {
        "latest": t.number(totals.now.views),
        "latest_label": t("last_minutes", number=NOW_MINUTES),
        "latest_changes": [
            (t(f"against.{name}"), change(totals.now.views, before, t(f"against.{name}"), t))
            for (name, _), before in earlier
        ],
        "label": t("views_in", during=t(f"during.{query.window}")),
        "views": t.number(totals.counts.views),
        "comments": totals.counts.comments,
        "likes": totals.counts.likes,
        "change": _window_change(totals, now, t),
        "since": t(f"compare.{query.compare}") if query.compare else "",
        "not_compared": t("not_compared") if totals.not_compared == "expired" else "",
        "period": period(totals.window, now, t),
        **_chart(site.series, now),
    }


def _window_change(totals: Totals, now: datetime, t: Translator) -> Change | None:
    if totals.compared is None:
        return None
    since = period(totals.compared.window, now, t)
    return change(totals.counts.views, totals.compared.counts.views, since, t)


def _chart(series: Sequence[SiteSeries], now: datetime) -> dict[str, object]:
    numbers = [[step.counts.views for step in each.steps] for each in series]
    largest = max(1, *(max(each, default=0) for each in numbers))
    names = ("today", *(name for name, _ in _EARLIER))
    # Hours are stored in UTC; in some zones they start at half past.
    hour = step_start(now, "hour").astimezone(now.tzinfo)
    return {
        "chart": [
            Line(name, _points(each, largest)) for name, each in zip(names, numbers, strict=True)
        ][::-1],
        "chart_box": f"0 0 {WIDTH} {HEIGHT}",
        "chart_times": [f"{at:%H:%M}" for at in (hour - _BEFORE, hour + _AFTER)],
    }


def _points(numbers: Sequence[int], largest: int) -> str:
    """Draw each hour at its middle: 5,40 15,20 ..."""
    return " ".join(
        f"{10 * n + 5},{HEIGHT - (HEIGHT - 2) * number / largest:.1f}"
        for n, number in enumerate(numbers)
    )


def period(window: Window, now: datetime, t: Translator) -> str:
    """Write the bounds of a window in the zone of `now`: 28 November, 14:03 – 23:00."""
    if window.start == EPOCH:
        return ""
    first, last = (edge.astimezone(now.tzinfo) for edge in (window.start, window.end))
    if first.time() == last.time() == datetime.min.time():
        last -= timedelta(days=1)
        days = [t.date(first)] if first.date() == last.date() else [t.date(first), t.date(last)]
        return " – ".join(days)
    times = [f"{t.date(each)}, {each:%H:%M}" for each in (first, last)]
    if first.date() == last.date():
        times[1] = f"{last:%H:%M}"
    return " – ".join(times)
