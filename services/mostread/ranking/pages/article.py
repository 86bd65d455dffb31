"""The page of an article at `/articles/{article_id}`: metadata, counts, chart, ranks, decisions.

It works without a script: a table below the chart contains the same numbers.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from mostread.errors import BadParameter, Misconfigured, MostreadError, Unavailable
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.responses import NO_STORE
from mostread.ranking.auth.access import Access
from mostread.ranking.cache.cache import Cache
from mostread.ranking.pages import urls
from mostread.ranking.pages.i18n import TRANSLATORS, Translator
from mostread.ranking.pages.templating import PageRenderer, clock_time, reader_language
from mostread.ranking.queries import (
    STEPS,
    ArticleQuery,
    ListDefaults,
    SeriesGrain,
    SeriesQuery,
)
from mostread.ranking.repository import Counts
from mostread.ranking.service.articles import ArticleDetails
from mostread.ranking.service.lists import web_link
from mostread.ranking.service.rank_history import MAX_RANK, RankHistory
from mostread.ranking.service.timeseries import TimeSeries


class ChartSpan(NamedTuple):
    """The length of a chart, and its grain."""

    grain: SeriesGrain
    length: timedelta


CHART_SPANS = {
    "3h": ChartSpan("minute", timedelta(hours=3)),
    "24h": ChartSpan("minute", timedelta(hours=24)),
    "7d": ChartSpan("hour", timedelta(days=7)),
    "30d": ChartSpan("hour", timedelta(days=30)),
}
_DEFAULT_SPAN = "7d"
_RANKS_TIMEOUT_SECONDS = 1.0
_PARAMETERS = {
    **{name: params.PAGE[name] for name in ("site", "tz", "lang")},
    "over": params.one_of(tuple(CHART_SPANS)),
}


@dataclass(frozen=True, slots=True)
class SeriesStep:
    """A minute or hour in the table; `machine_time` is its start in RFC 3339."""

    machine_time: str
    label: str
    counts: Counts


def add_article_page(
    app: Application,
    pages: PageRenderer,
    *,
    articles: Cache[ArticleQuery, ArticleDetails],
    series: Cache[SeriesQuery, TimeSeries],
    ranks: Cache[ArticleQuery, RankHistory],
    access: Access,
    defaults: ListDefaults,
    clock: Callable[[], int],
) -> None:
    """Add the page to `app`. `clock` is in milliseconds."""

    async def get_page(request: Request) -> Response:
        lang = reader_language(request)
        try:
            pairs, values = params.parse(request.query_string, _PARAMETERS)
            written = dict(pairs)
            article_id = params.article_id(request.path_params["article_id"])
            now = datetime.fromtimestamp(clock() / 1000, UTC)
            query = ArticleQuery(values.get("site", "default"), article_id)
            details = await articles.get(query)
            editing = access.is_editor(request, query.site)
            if not details.known:
                return pages.unknown_article(request, *query, lang)
            counts, history = await asyncio.gather(
                series.get(_series_query(query, written, now)), _ranks_soon(ranks, query)
            )
        except BadParameter as error:
            return pages.bad_parameter(request, error, lang, root="../")
        except (Unavailable, Misconfigured):
            return pages.unavailable(request, lang, root="../")
        local = now.astimezone(ZoneInfo(values.get("tz", defaults.tz)))
        t = TRANSLATORS[lang]
        context = {
            **_article_context(details, written, local, t),
            **_series_context(counts, written, local, t),
            **_freshness(details, counts, local, t),
            **rank_context(history, local, t),
        }
        page = pages.html(request, "article.html", lang, context)
        if editing:
            page.headers["Cache-Control"] = NO_STORE
        return page

    app.add("GET", "/articles/{article_id}", get_page)


def _series_query(query: ArticleQuery, written: dict[str, str], now: datetime) -> SeriesQuery:
    span = CHART_SPANS[written.get("over", _DEFAULT_SPAN)]
    start = serializers.rfc3339(now - span.length)
    raw = urlencode({"grain": span.grain, "from": start, "site": query.site})
    return params.series_query(raw, query.article_id, now)


async def _ranks_soon(
    ranks: Cache[ArticleQuery, RankHistory], query: ArticleQuery
) -> RankHistory | None:
    """Return the ranks, None on failure or timeout; a site takes long once per hour."""
    try:
        async with asyncio.timeout(_RANKS_TIMEOUT_SECONDS):
            return await ranks.get(query)
    except (MostreadError, TimeoutError):
        return None


def _article_context(
    details: ArticleDetails, written: dict[str, str], now: datetime, t: Translator
) -> dict[str, object]:
    metadata, (site, article_id) = details.metadata, details.query
    list_params = _list_params(written)
    section = metadata.section if metadata else ""
    published = ""
    if metadata is not None and metadata.published_at is not None:
        published_at = datetime.fromtimestamp(metadata.published_at / 1000, UTC)
        published = clock_time(published_at, now, t)
    return {
        "root": "../",
        "list_url": urls.list_page(**list_params),
        "headline": metadata.title if metadata else article_id,
        "language": metadata.language if metadata else "",
        "link": web_link(metadata),
        "section": section,
        "section_url": urls.list_page(**list_params, section=section),
        "published": published,
        "site": site,
        "article_id": article_id,
        "withheld": details.standing.withheld,
        "pinned": details.standing.pinned,
        "integrity": details.integrity,
        "windows": [
            *((t(f"window.{name}"), counts) for name, counts in details.windows.items()),
            (t("total"), details.total or Counts()),
        ],
        "decisions": urls.decision_log(article_id, **{"site": site, **list_params}),
        "series": urls.series_api(article_id),
    }


def _series_context(
    series: TimeSeries, written: dict[str, str], now: datetime, t: Translator
) -> dict[str, object]:
    chosen = written.get("over", _DEFAULT_SPAN)
    return {
        "spans": [
            (
                t(f"span.{name}"),
                "?" + urlencode({**_list_params(written), "over": name}),
                name == chosen,
            )
            for name in CHART_SPANS
        ],
        "grain": series.query.grain,
        "length_ms": CHART_SPANS[chosen].length // timedelta(milliseconds=1),
        "steps": _steps(series, now, t),
        "zone": str(now.tzinfo),
    }


def _freshness(
    details: ArticleDetails, series: TimeSeries, now: datetime, t: Translator
) -> dict[str, object]:
    as_of = details.as_of
    return {
        "stale": details.stale or series.stale,
        "as_of": clock_time(as_of, now, t) if as_of else "",
        "as_of_machine": serializers.rfc3339(as_of) if as_of else "",
    }


def _list_params(written: dict[str, str]) -> dict[str, str]:
    """Return the parameters that the list page shares with this page."""
    return {name: value for name, value in written.items() if name in {"site", "tz", "lang"}}


def _steps(series: TimeSeries, now: datetime, t: Translator) -> list[SeriesStep]:
    """Return the minutes or hours with counts, latest first."""
    step = STEPS[series.query.grain]
    steps = []
    for number, counts in enumerate(series.counts):
        if counts != Counts():
            start = series.query.start + number * step
            local = start.astimezone(now.tzinfo)
            label = f"{t.date(local)}, {local:%H:%M}"
            steps.append(SeriesStep(serializers.rfc3339(start), label, counts))
    return steps[::-1]


_POINT_DISTANCE = 10
_CHART_HEIGHT = 100
_MARGIN = 3


class RankLine(NamedTuple):
    """SVG polylines, one for each run of hours with a rank; `lowest` is the lowest rank."""

    lines: list[str]
    lowest: int
    width: int


def rank_line(ranks: Sequence[int | None]) -> RankLine:
    """Draw ranks on a logarithmic scale, the first at the top."""
    lowest = max(10, *(rank or 0 for rank in ranks))

    def points(run: Sequence[tuple[int, int]]) -> Iterator[str]:
        for at, rank in run:
            depth = _MARGIN + (_CHART_HEIGHT - 2 * _MARGIN) * math.log(rank) / math.log(lowest)
            # A rank lasts for its hour, so that a single one is visible too.
            yield f"{at * _POINT_DISTANCE},{depth:.1f} {(at + 1) * _POINT_DISTANCE},{depth:.1f}"

    runs = groupby(enumerate(ranks), key=lambda each: each[1] is not None)
    lines = [
        " ".join(points([(at, rank) for at, rank in run if rank is not None]))
        for ranked, run in runs
        if ranked
    ]
    return RankLine(lines, lowest, len(ranks) * _POINT_DISTANCE)


def rank_context(history: RankHistory | None, now: datetime, t: Translator) -> dict[str, object]:
    """Return the rank section of the page, empty while the ranks are unavailable."""
    if history is None:
        return {"rank_line": None, "rank_summary": "", "rank_rows": []}
    ends = [end.astimezone(now.tzinfo) for end in history.ends]
    labels = [f"{t.date(end)}, {end:%H:%M}" for end in ends]
    ranked = [(rank, n) for n, rank in enumerate(history.ranks) if rank is not None]
    if ranked:
        best, at = min(ranked, key=lambda each: (each[0], -each[1]))
        last = history.ranks[-1]
        key = "ranks.last" if last else "ranks.last_below"
        summary = t(key, time=labels[-1], rank=last or MAX_RANK)
        summary += " " + t("ranks.best", rank=best, time=labels[at])
    else:
        summary = t("ranks.never", rank=MAX_RANK)
    return {
        "rank_line": rank_line(history.ranks) if ranked else None,
        "rank_summary": summary,
        "rank_from": labels[0],
        "rank_to": labels[-1],
        "rank_rows": [
            (serializers.rfc3339(ends[n]), labels[n], rank) for rank, n in reversed(ranked)
        ],
    }
