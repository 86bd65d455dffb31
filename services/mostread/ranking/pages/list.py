"""The page at `/`: the list for people, whole without a script, and kept new by a small one.

The script asks for this very page whenever the list has changed, and takes over what differs
(pages/live.js): so there is one place that knows how a row looks.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

from aiohttp import web

from mostread.core.ranking.integrity import Integrity
from mostread.errors import MostreadError
from mostread.ranking.api.lists import ListAnswers
from mostread.ranking.api.params import (
    DEEPEST,
    PAGE,
    BadParameter,
    By,
    Defaults,
    ListQuery,
    list_query,
)
from mostread.ranking.api.serializers import rfc3339
from mostread.ranking.pages.article import article_address
from mostread.ranking.pages.page_words import PAGE_WORDS, PageWords
from mostread.ranking.pages.templating import Pages, clock_time, grouped, reader_language
from mostread.ranking.repository import Counts
from mostread.ranking.service.facets import AllOffered, Offered
from mostread.ranking.service.lists import Entry, MostRead
from mostread.ranking.service.sparklines import HEIGHT, WIDTH, Sparklines

# Where previous_rank is that of an hour ago, not of a day ago.
_HOURLY = ("1h", "6h", "24h", "today")
_SURELY_NEW = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several addresses; `chosen` is the one that is shown."""

    label: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """What a list can be limited to, of one kind; `chosen` in words."""

    label: str
    chosen: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Change:
    """How a rank has changed: `way` is up, down or new; as a sign, and in words."""

    way: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """An article as the page shows it; `share` is its part of the largest number, in percent."""

    key: str
    rank: int
    title: str
    language: str
    url: str | None
    details: str | None
    section: str
    section_address: str
    pinned: bool
    change: Change | None
    share: float
    total: Counts
    integrity: Integrity | None


def add_page(
    app: web.Application,
    pages: Pages,
    *,
    lists: ListAnswers,
    offers: AllOffered,
    sparklines: Sparklines,
    defaults: Defaults,
    clock: Callable[[], int],
    quarantines: bool,
) -> None:
    """Add the page to `app`. `clock` is in milliseconds; `quarantines`: whether lists may."""

    async def index(request: web.Request) -> web.Response:
        lang = reader_language(request)
        try:
            query = list_query(request.rel_url.raw_query_string, defaults, known=PAGE)
            answer = await lists.get(query)
        except BadParameter as error:
            return pages.not_understood(error, lang)
        except MostreadError:
            return pages.unavailable(lang)
        words = PAGE_WORDS[lang]
        zone = ZoneInfo(dict(query.written).get("tz", defaults.tz))
        now = datetime.fromtimestamp(clock() / 1000, zone)
        offered, lines = await asyncio.gather(
            offers.get(query.site),
            sparklines.get(query.site, [entry.article_id for entry in answer.value.entries]),
        )
        return pages.html(
            "list.html",
            lang,
            {
                **_context(query, answer.value, now, words, offered=offered, lines=lines),
                "quarantined": _held_back(query, words) if quarantines else None,
            },
        )

    app.router.add_get("/", index)
    app.router.add_get("/static/{name:.+}", pages.asset)


def _context(
    query: ListQuery,
    listed: MostRead,
    now: datetime,
    words: PageWords,
    *,
    offered: Offered,
    lines: Mapping[str, str],
) -> dict[str, object]:
    measure = _measure(query.by)
    largest = max((measure(entry) for entry in listed.entries), default=0)
    # What is trending has one window; another one is a list of another kind.
    by = None if query.by == "trending" else dict(query.written).get("by")
    # Where nothing stood anywhere before, it is the counting that is new, not the articles.
    compared = any(entry.previous_rank for entry in listed.entries)
    during = words.during[query.window]
    unit = {"score": words.points, "trending": words.measures["views"]}.get(
        query.by, words.measures[query.by]
    )
    place = _place(query)
    return {
        "window": words.windows[query.window],
        "place": place,
        "limits": _limits(query, offered, words),
        "pages": _pages(query, len(listed.entries), words),
        # A search is computed anew for each who asks: it is looked at again, and not followed.
        "stream": "" if query.words else "v1/stream" + query.address(lang=None, q=None),
        "site": query.site,
        "search": query.q or "",
        "everything": query.window == "all",
        "unsearched": query.address(q=None, offset=None),
        "kept": [(n, v) for n, v in query.written if v and n not in {"q", "offset"}],
        "all_time": query.address(window="all", by=by, offset=None),
        "zone": str(now.tzinfo),
        "windows": [
            Choice(label, query.address(window=name, by=by, offset=None), name == query.window)
            for name, label in words.windows.items()
        ],
        "orders": [
            Choice(words.measures[by], query.address(by=by, offset=None), by == query.by)
            for by in get_args(By)
        ],
        "order": words.ordered.format(measure=words.measures[query.by], during=during),
        "measure": words.measures[query.by],
        "what": words.by_label[query.by],
        "measured": [
            words.measured.format(number=grouped(measure(entry)), unit=unit, during=during)
            for entry in listed.entries
        ],
        "stale": listed.stale,
        "until": clock_time(listed.as_of, now, words) if listed.as_of else "",
        "until_machine": rfc3339(listed.as_of) if listed.as_of else "",
        "changed": compared,
        "since": words.since_an_hour if query.window in _HOURLY else words.since_a_day,
        "lines": lines,
        "line_box": f"0 0 {WIDTH} {HEIGHT}",
        "rows": [
            _row(entry, query, measure(entry) / largest if largest > 0 else 0, compared, words)
            for entry in listed.entries
        ],
    }


def _held_back(query: ListQuery, words: PageWords) -> Choice:
    """Return the way to the list with what is held back, or the way back from it."""
    label = words.leave_quarantined if query.quarantined else words.show_quarantined
    address = query.address(quarantined=None if query.quarantined else "1", offset=None)
    return Choice(label, address, query.quarantined)


def _place(query: ListQuery) -> list[tuple[str, str]]:
    limits = (("site", query.site), ("section", query.section), ("language", query.language))
    written = dict(query.written)
    return [
        (value, query.address(**{name: None}, offset=None))
        for name, value in limits
        if value and name in written
    ]


def _limits(query: ListQuery, offered: Offered, words: PageWords) -> list[Limit]:
    kinds = (
        ("site", words.site, offered.sites, query.site),
        ("section", words.section, offered.sections, query.section),
        # Tags are the same in small letters and large.
        ("language", words.language, offered.languages, query.language and query.language.lower()),
    )
    limits = []
    for kind, label, names, chosen in kinds:
        # Another site has other sections.
        others: dict[str, str | None] = {"section": None} if kind == "site" else {}
        choices = [
            Choice(name, query.address(**{kind: name}, **others, offset=None), name == chosen)
            for name in names
        ]
        if kind == "site":
            if len(names) > 1:
                limits.append(Limit(label, query.site, choices))
        elif names and (chosen or len(names) > 1):
            every = Choice(words.every, query.address(**{kind: None}, offset=None), chosen is None)
            limits.append(Limit(label, chosen or words.every, [every, *choices]))
    return limits


def _pages(query: ListQuery, shown: int, words: PageWords) -> list[tuple[str, str, str]]:
    """Return the pages beside this one: how each relates to it, its words, and its address."""
    pages = []
    if query.offset:
        back = max(0, query.offset - query.limit)
        address = query.address(offset=str(back) if back else None)
        pages.append(("prev", words.ranks.format(first=back + 1, last=back + query.limit), address))
    after = query.offset + query.limit
    if shown == query.limit and after <= DEEPEST:
        address = query.address(offset=str(after))
        pages.append(
            ("next", words.ranks.format(first=after + 1, last=after + query.limit), address)
        )
    return pages


def _change(entry: Entry, words: PageWords) -> Change | None:
    if entry.pinned:
        return None
    if entry.previous_rank is None:
        # Far down, where none were compared, nothing tells a new article from an old one.
        return Change("new", words.new, words.new) if entry.rank <= _SURELY_NEW else None
    places = entry.previous_rank - entry.rank
    if not places:
        return None
    way, sign, told = ("up", "▲", words.up) if places > 0 else ("down", "▼", words.down)
    said = told.format(places=abs(places), before=entry.previous_rank)
    return Change(way, f"{sign}{abs(places)}", said)


def _measure(by: By) -> Callable[[Entry], float]:
    if by == "score":
        return lambda entry: entry.score(by)
    if by == "trending":
        return lambda entry: entry.window.views
    return lambda entry: int(getattr(entry.window, by))


def _row(entry: Entry, query: ListQuery, share: float, compared: bool, words: PageWords) -> Row:
    about, written = entry.about, dict(query.written)
    return Row(
        key=entry.article_id,
        rank=entry.rank,
        title=entry.title,
        language=entry.language,
        url=entry.link,
        details=article_address(
            entry.article_id, **{name: written.get(name) for name in ("site", "tz", "lang")}
        ),
        section=about.section if about else "",
        section_address=query.address(section=about.section, offset=None) if about else "",
        pinned=entry.pinned,
        change=_change(entry, words) if compared else None,
        share=round(100 * max(0.0, min(1.0, share)), 1),
        total=entry.total,
        integrity=entry.integrity,
    )
