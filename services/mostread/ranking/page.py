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

from mostread.errors import MostreadError
from mostread.ranking.article_page import article_address
from mostread.ranking.most_read import Entry, MostRead
from mostread.ranking.offered import AllOffered, Offered
from mostread.ranking.parameters import (
    DEEPEST,
    LIST,
    BadParameter,
    By,
    Defaults,
    ListQuery,
    list_query,
)
from mostread.ranking.rendering import Pages, clock_time
from mostread.ranking.routes import ListAnswers
from mostread.ranking.sparklines import HEIGHT, WIDTH, Sparklines
from mostread.ranking.store import Counts
from mostread.ranking.wire import rfc3339

_LABELS = {
    "1h": "1 hour",
    "6h": "6 hours",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "today": "Today",
    "yesterday": "Yesterday",
    "week": "This week",
    "all": "All time",
}
_DURING = {
    **{name: f"in {_LABELS[name]}" for name in ("1h", "6h", "24h", "7d", "30d")},
    "today": "today",
    "yesterday": "yesterday",
    "week": "this week",
    "all": "in all",
}
# What previous_rank is the rank of, where that is not a day ago.
_COMPARED_WITH = dict.fromkeys(("1h", "6h", "24h", "today"), "an hour ago")
_SURELY_NEW = 100
_UNITS = {"score": "points", "trending": "views"}


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
    measured: float
    share: float
    total: Counts


def add_page(
    app: web.Application,
    pages: Pages,
    *,
    lists: ListAnswers,
    offers: AllOffered,
    sparklines: Sparklines,
    defaults: Defaults,
    clock: Callable[[], int],
) -> None:
    """Add the page to `app`. `clock` is in milliseconds."""

    async def index(request: web.Request) -> web.Response:
        try:
            query = list_query(request.rel_url.raw_query_string, defaults, known=LIST)
            answer = await lists.get(query)
        except BadParameter as error:
            return pages.not_understood(error)
        except MostreadError:
            return pages.unavailable()
        zone = ZoneInfo(dict(query.written).get("tz", defaults.tz))
        now = datetime.fromtimestamp(clock() / 1000, zone)
        offered, lines = await asyncio.gather(
            offers.get(query.site),
            sparklines.get(query.site, [entry.article_id for entry in answer.value.entries]),
        )
        return pages.html("list.html", _context(query, answer.value, offered, lines, now))

    app.router.add_get("/", index)
    app.router.add_get("/static/{name:.+}", pages.asset)


def _context(
    query: ListQuery,
    listed: MostRead,
    offered: Offered,
    lines: Mapping[str, str],
    now: datetime,
) -> dict[str, object]:
    measure = _measure(query.by)
    largest = max((measure(entry) for entry in listed.entries), default=0)
    # What is trending has one window; another one is a list of another kind.
    by = None if query.by == "trending" else dict(query.written).get("by")
    # Where nothing stood anywhere before, it is the counting that is new, not the articles.
    compared = any(entry.previous_rank for entry in listed.entries)
    by_label = {"score": "a score", "trending": "more views than expected"}.get(query.by, query.by)
    return {
        "title": f"Most read: {_LABELS[query.window]}",
        "place": _place(query),
        "limits": _limits(query, offered),
        "pages": _pages(query, len(listed.entries)),
        "stream": "v1/stream" + query.address(),
        "zone": str(now.tzinfo),
        "windows": [
            Choice(label, query.address(window=name, by=by, offset=None), name == query.window)
            for name, label in _LABELS.items()
        ],
        "orders": [
            Choice(by, query.address(by=by, offset=None), by == query.by) for by in get_args(By)
        ],
        "order": f"by {query.by} {_DURING[query.window]}",
        "by": query.by,
        "by_label": by_label,
        "measured_in": f"{_UNITS.get(query.by, query.by)} {_DURING[query.window]}",
        "stale": listed.stale,
        "until": clock_time(listed.as_of, now) if listed.as_of else "",
        "until_machine": rfc3339(listed.as_of) if listed.as_of else "",
        "changed": compared,
        "compared_with": _COMPARED_WITH.get(query.window, "a day ago"),
        "lines": lines,
        "line_box": f"0 0 {WIDTH} {HEIGHT}",
        "rows": [
            _row(entry, query, measure(entry), largest, compared=compared)
            for entry in listed.entries
        ],
    }


def _place(query: ListQuery) -> list[tuple[str, str]]:
    limits = (("site", query.site), ("section", query.section), ("language", query.language))
    written = dict(query.written)
    return [
        (value, query.address(**{name: None}, offset=None))
        for name, value in limits
        if value and name in written
    ]


def _limits(query: ListQuery, offered: Offered) -> list[Limit]:
    kinds = (
        ("site", "Site", offered.sites, query.site),
        ("section", "Section", offered.sections, query.section),
        # Tags are the same in small letters and large.
        ("language", "Language", offered.languages, query.language and query.language.lower()),
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
            every = Choice("All", query.address(**{kind: None}, offset=None), chosen is None)
            limits.append(Limit(label, chosen or "all", [every, *choices]))
    return limits


def _pages(query: ListQuery, shown: int) -> list[tuple[str, str, str]]:
    """Return the pages beside this one: how each relates to it, its words, and its address."""
    pages = []
    if query.offset:
        back = max(0, query.offset - query.limit)
        address = query.address(offset=str(back) if back else None)
        pages.append(("prev", f"Ranks {back + 1} to {back + query.limit}", address))
    after = query.offset + query.limit
    if shown == query.limit and after <= DEEPEST:
        address = query.address(offset=str(after))
        pages.append(("next", f"Ranks {after + 1} to {after + query.limit}", address))
    return pages


def _change(entry: Entry, *, compared: bool) -> Change | None:
    if entry.pinned or not compared:
        return None
    if entry.previous_rank is None:
        # Far down, where none were compared, nothing tells a new article from an old one.
        return Change("new", "new", "new") if entry.rank <= _SURELY_NEW else None
    places = entry.previous_rank - entry.rank
    if not places:
        return None
    way, sign = ("up", "▲") if places > 0 else ("down", "▼")
    return Change(way, f"{sign}{abs(places)}", f"{way} {abs(places)} from {entry.previous_rank}")


def _measure(by: By) -> Callable[[Entry], float]:
    if by == "score":
        return lambda entry: entry.score(by)
    if by == "trending":
        return lambda entry: entry.window.views
    return lambda entry: int(getattr(entry.window, by))


def _row(entry: Entry, query: ListQuery, measured: float, largest: float, *, compared: bool) -> Row:
    about, written = entry.about, dict(query.written)
    share = max(0.0, min(100.0, 100 * measured / largest)) if largest > 0 else 0.0
    return Row(
        key=entry.article_id,
        rank=entry.rank,
        title=entry.title,
        language=entry.language,
        url=entry.link,
        details=article_address(entry.article_id, site=written.get("site"), tz=written.get("tz")),
        section=about.section if about else "",
        section_address=query.address(section=about.section, offset=None) if about else "",
        pinned=entry.pinned,
        change=_change(entry, compared=compared),
        measured=measured,
        share=round(share, 1),
        total=entry.total,
    )
