"""The page of one article at `/articles/{article_id}`: what is said and counted of it, over time.

It is whole without a script: its chart is drawn beside a table of the same numbers.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from mostread.errors import MostreadError
from mostread.ranking.api.articles import ArticleAnswers, RanksAnswers, SeriesAnswers
from mostread.ranking.api.params import (
    PAGE,
    PARAMETERS,
    BadParameter,
    Defaults,
    article_id_of,
    one_of,
    parsed,
)
from mostread.ranking.api.serializers import rfc3339
from mostread.ranking.pages.desk_words import DESK_WORDS, DeskWords
from mostread.ranking.pages.page_words import PAGE_WORDS, PageWords
from mostread.ranking.pages.templating import Pages, clock_time, reader_language
from mostread.ranking.repository import Counts
from mostread.ranking.service.articles import Article, ArticleQuery
from mostread.ranking.service.lists import web_link
from mostread.ranking.service.rank_history import FURTHEST, Ranks
from mostread.ranking.service.timeseries import STEPS, Series, SeriesGrain, series_query

_ARTICLES = "/articles/"


class Span(NamedTuple):
    """How far back a chart goes, and in what steps."""

    grain: SeriesGrain
    length: timedelta


SPANS = {
    "3h": Span("minute", timedelta(hours=3)),
    "24h": Span("minute", timedelta(hours=24)),
    "7d": Span("hour", timedelta(days=7)),
    "30d": Span("hour", timedelta(days=30)),
}
_USUAL = "7d"
_PATIENCE_SECONDS = 1.0
_PARAMETERS = {
    "site": PARAMETERS["site"],
    "tz": PARAMETERS["tz"],
    "lang": PAGE["lang"],
    "over": one_of(tuple(SPANS)),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A minute or an hour of the table; `machine` is its beginning for programs."""

    machine: str
    label: str
    counts: Counts


def article_address(article_id: str, **parameters: str | None) -> str | None:
    """Return where the page of an article is, from `/`; None where no address can name it."""
    # A browser takes these two for steps in a path, however they are written.
    if article_id in {".", ".."}:
        return None
    written = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"articles/{quote(article_id, safe='')}" + (f"?{written}" if written else "")


def add_article_page(
    app: web.Application,
    pages: Pages,
    *,
    articles: ArticleAnswers,
    series: SeriesAnswers,
    ranks: RanksAnswers,
    defaults: Defaults,
    clock: Callable[[], int],
) -> None:
    """Add the page to `app`. `clock` is in milliseconds."""

    async def page(request: web.Request) -> web.Response:
        lang = reader_language(request)
        try:
            written, values = parsed(request.rel_url.raw_query_string, _PARAMETERS)
            # The raw path, because an id may hold a slash, which is written %2F.
            article_id = article_id_of(request.rel_url.raw_path.removeprefix(_ARTICLES))
            now = datetime.fromtimestamp(clock() / 1000, UTC)
            site = values.get("site", "default")
            span = SPANS[values.get("over", _USUAL)]
            asked = {"grain": span.grain, "from": rfc3339(now - span.length), "site": site}
            over_time = series_query(urlencode(asked), article_id, now)
            article = (await articles.get(ArticleQuery(site, article_id))).value
            if not article.known:
                return pages.unknown_article(site, article_id, lang)
            shown, stood = await asyncio.gather(series.get(over_time), _soon(ranks, article.query))
        except BadParameter as error:
            return pages.not_understood(error, lang, root="../")
        except MostreadError:
            return pages.unavailable(lang, root="../")
        zone = ZoneInfo(values.get("tz", defaults.tz))
        return pages.html(
            "article.html",
            lang,
            _context(article, shown.value, written, now.astimezone(zone), PAGE_WORDS[lang])
            | rank_context(stood, now.astimezone(zone), PAGE_WORDS[lang], DESK_WORDS[lang]),
        )

    app.router.add_get(_ARTICLES + "{article_id:[^/]+}", page)


async def _soon(ranks: RanksAnswers, query: ArticleQuery) -> Ranks | None:
    """Return where it stood; None where that takes long, as it may once an hour for a site."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return (await ranks.get(query)).value
    except (MostreadError, TimeoutError):
        return None


def _context(
    article: Article, series: Series, written: dict[str, str], now: datetime, words: PageWords
) -> dict[str, object]:
    about, (site, article_id) = article.about, article.query
    quoted = quote(article_id, safe="")
    chosen = written.get("over", _USUAL)
    stale = article.stale or series.stale
    title = about.title if about else article_id
    section = about.section if about else ""
    published = about.published_at if about else None
    of_list = {name: value for name, value in written.items() if name in {"site", "tz", "lang"}}
    spans = [
        (words.spans[name], "?" + urlencode({**of_list, "over": name}), name == chosen)
        for name in SPANS
    ]
    return {
        "root": "../",
        "list_address": "../" + (f"?{urlencode(of_list)}" if of_list else ""),
        "headline": title,
        "language": about.language if about else "",
        "link": web_link(about),
        "section": section,
        "section_address": "../?" + urlencode({**of_list, "section": section}),
        "published": clock_time(datetime.fromtimestamp(published / 1000, UTC), now, words)
        if published is not None
        else "",
        "site": site,
        "article_id": article_id,
        "hidden": article.standing.hidden,
        "pinned": article.standing.pinned,
        "integrity": article.integrity,
        "windows": [
            *((words.windows[name], counts) for name, counts in article.windows.items()),
            (words.in_all, article.total or Counts()),
        ],
        "spans": spans,
        "grain": series.query.grain,
        "decisions": f"{quoted}/decisions?{urlencode({'site': site, **of_list})}",
        "series": f"../v1/articles/{quoted}/series",
        "length_ms": SPANS[chosen].length // timedelta(milliseconds=1),
        "steps": _steps(series, now, words),
        "stale": stale,
        "zone": str(now.tzinfo),
        "until": clock_time(article.as_of, now, words) if article.as_of else "",
        "until_machine": rfc3339(article.as_of) if article.as_of else "",
    }


def _steps(series: Series, now: datetime, words: PageWords) -> list[Step]:
    """Return the minutes or hours in which something was counted, the latest first."""
    step = STEPS[series.query.grain]
    found = []
    for number, counts in enumerate(series.counts):
        if counts != Counts():
            start = series.query.start + number * step
            local = start.astimezone(now.tzinfo)
            found.append(Step(rfc3339(start), f"{words.date(local)}, {local:%H:%M}", counts))
    return found[::-1]


APART = 10
HEIGHT = 100
_EDGE = 3


class RankLine(NamedTuple):
    """The points of SVG polylines, one for each stretch without a gap; `lowest` is lowest."""

    lines: list[str]
    lowest: int
    width: int


def rank_line(ranks: Sequence[int | None]) -> RankLine:
    """Return ranks as lines APART from one to the next, over HEIGHT."""
    lowest = max(10, *(rank or 0 for rank in ranks))

    def points(stretch: Sequence[tuple[int, int]]) -> Iterator[str]:
        for at, rank in stretch:
            depth = _EDGE + (HEIGHT - 2 * _EDGE) * math.log(rank) / math.log(lowest)
            # It stood there for the hour, and one rank alone is to be seen too.
            yield f"{at * APART},{depth:.1f} {(at + 1) * APART},{depth:.1f}"

    known = [(at, rank) for at, rank in enumerate(ranks)]
    lines = [
        " ".join(points([(at, rank) for at, rank in stretch if rank is not None]))
        for there, stretch in groupby(known, key=lambda each: each[1] is not None)
        if there
    ]
    return RankLine(lines, lowest, len(ranks) * APART)


def rank_context(
    ranks: Ranks | None, now: datetime, words: PageWords, desk: DeskWords
) -> dict[str, object]:
    """Return what article.html tells of ranks; none of them where they cannot be had just now."""
    if ranks is None:
        return {"rank_line": None, "rank_said": "", "rank_rows": []}
    ends = [end.astimezone(now.tzinfo) for end in ranks.ends]
    labels = [f"{words.date(end)}, {end:%H:%M}" for end in ends]
    stood = [(rank, n) for n, rank in enumerate(ranks.ranks) if rank is not None]
    if stood:
        best, at = min(stood, key=lambda each: (each[0], -each[1]))
        last = desk.rank_last if ranks.ranks[-1] else desk.rank_none
        said = last.format(time=labels[-1], rank=ranks.ranks[-1] or FURTHEST)
        said += " " + desk.rank_best.format(rank=best, time=labels[at])
    else:
        said = desk.rank_never.format(rank=FURTHEST)
    return {
        "rank_line": rank_line(ranks.ranks) if stood else None,
        "rank_said": said,
        "rank_from": labels[0],
        "rank_to": labels[-1],
        "rank_rows": [(rfc3339(ends[n]), labels[n], rank) for rank, n in reversed(stood)],
    }
