"""The page at `/`: a list that works without a script, and that a script keeps up to date.

When the list changes, the script receives the parts that change (live.py) and replaces what
differs (static/live.js), so that only the templates determine what a row looks like.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

from mostread.core.ranking.integrity import Integrity
from mostread.core.ranking.windows import CALENDAR, HOURLY_STEPS, LIFETIME, SLIDING
from mostread.errors import BadParameter, Misconfigured, Unavailable
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.editor_auth import EditorAuth
from mostread.ranking.api.responses import NO_STORE
from mostread.ranking.pages import urls
from mostread.ranking.pages.i18n import TRANSLATORS, Translator
from mostread.ranking.pages.templating import PageRenderer, clock_time, grouped, reader_language
from mostread.ranking.queries import By, ListDefaults, ListQuery
from mostread.ranking.repository import Counts
from mostread.ranking.service.facets import Facets, FacetValues
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.lists import Entry, RankedList
from mostread.ranking.service.sparklines import HEIGHT, WIDTH, Sparklines

_WINDOWS_IN_MENU = (*SLIDING, *CALENDAR, LIFETIME)
_MAX_NEW_RANK = 100
"""Articles below it may lack a previous rank only because the previous list was cut off."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A link to a variant of the page; `chosen` marks the current one."""

    label: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class FilterMenu:
    """The values of one filter; `chosen` is the label of the current one."""

    label: str
    chosen: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class RankChange:
    """A change of rank: `direction` is up, down or new; as a symbol and in words."""

    direction: str
    symbol: str
    text: str


@dataclass(frozen=True, slots=True)
class PageRow:
    """An article in the list; `share` is its percentage of the largest number."""

    key: str
    rank: int
    title: str
    language: str
    url: str | None
    details: str | None
    section: str
    section_url: str
    pinned: bool
    described: bool
    change: RankChange | None
    measured: str
    share: float
    total: Counts
    integrity: Integrity | None


def add_list_page(
    app: Application,
    pages: PageRenderer,
    *,
    lists: ListReader,
    facets: Facets,
    sparklines: Sparklines,
    editors: EditorAuth,
    defaults: ListDefaults,
    clock: Callable[[], int],
    quarantines: bool,
) -> None:
    """Add the page and its assets to `app`.

    `clock` is in milliseconds. With `quarantines` the page links to the full list.
    """

    async def get_page(request: Request) -> Response:
        lang = reader_language(request)
        t = TRANSLATORS[lang]
        try:
            raw = request.query_string
            query = params.list_query(raw, defaults, known=params.PAGE)
            # The script of the page requests it again for an editor who is signed in.
            if editing := editors.is_editor(request):
                query = replace(query, undescribed=True)
            ranked = await lists.get(query)
        except BadParameter as error:
            return pages.bad_parameter(request, error, lang)
        except (Unavailable, Misconfigured):
            return pages.unavailable(request, lang)
        zone = ZoneInfo(dict(query.written).get("tz", defaults.tz))
        now = datetime.fromtimestamp(clock() / 1000, zone)
        values, lines = await asyncio.gather(
            facets.get(query.site),
            sparklines.get(query.site, [entry.article_id for entry in ranked.entries]),
        )
        context = {
            **_controls(query, values, t),
            **freshness(ranked, now, t),
            **list_parts(query, ranked, lines, t),
            "quarantine_link": _quarantine_link(query, t) if quarantines else None,
            # A search is not cached, so the page polls it instead of following a stream.
            "live": "" if query.words else urls.list_params(query, lang=lang, q=None)[1:],
        }
        page = pages.html(request, "list.html", lang, context)
        if editing:
            page.headers["Cache-Control"] = NO_STORE
        return page

    app.add("GET", "/", get_page)
    app.add("GET", "/static/{name}", pages.asset)


def _controls(query: ListQuery, values: FacetValues, t: Translator) -> dict[str, object]:
    """Return what the header and footer show: windows, orders, filters, search."""
    by = _written_order(query)
    return {
        "window": t(f"window.{query.window}"),
        "windows": [
            Choice(
                t(f"window.{name}"),
                urls.list_params(query, window=name, by=by, offset=None),
                name == query.window,
            )
            for name in _WINDOWS_IN_MENU
        ],
        "orders": [
            Choice(t(f"order.{by}"), urls.list_params(query, by=by, offset=None), by == query.by)
            for by in get_args(By)
        ],
        "filters": _filters(query, values, t),
        "site": query.site,
        "hidden_fields": [(n, v) for n, v in query.written if v and n not in {"q", "offset"}],
        "without_search": urls.list_params(query, q=None, offset=None),
    }


def freshness(ranked: RankedList, now: datetime, t: Translator) -> dict[str, object]:
    """Return what changes while a list stays the same.

    That is up to when events are counted, whether it is too long ago, and how many articles are
    left out.
    """
    return {
        "zone": str(now.tzinfo),
        "stale": ranked.stale,
        "as_of": clock_time(ranked.as_of, now, t) if ranked.as_of else "",
        "as_of_machine": serializers.rfc3339(ranked.as_of) if ranked.as_of else "",
        "undescribed": ranked.undescribed,
    }


def list_parts(
    query: ListQuery, ranked: RankedList, lines: Mapping[str, str], t: Translator
) -> dict[str, object]:
    """Return the rows, and what describes them; `lines` are the sparklines by article."""
    measure = _measure(query.by)
    largest = max((measure(entry) for entry in ranked.entries), default=0)
    # If no article has a previous rank, counting is new rather than the articles.
    compared = any(entry.previous_rank for entry in ranked.entries)
    during = t(f"during.{query.window}")
    rows = []
    for entry in ranked.entries:
        number = measure(entry)
        measured = t(
            "measured", number=grouped(number), unit=_unit(query.by, number, t), during=during
        )
        share = number / largest if largest > 0 else 0
        change = _rank_change(entry, t) if compared else None
        rows.append(_row(entry, query, measured, share, change))
    return {
        "rows": rows,
        "order": t("ordered", measure=t(f"order.{query.by}"), during=during),
        "measure": t(f"order.{query.by}"),
        "criterion": t(f"criterion.{query.by}"),
        "compared": compared,
        "compared_with": t("hour_ago" if query.window in HOURLY_STEPS else "day_ago"),
        "lines": lines,
        "line_box": f"0 0 {WIDTH} {HEIGHT}",
        "active_filters": _active_filters(query),
        "pages": _pages(query, len(rows), t),
        "search": query.q or "",
        "all_time_url": "" if query.window == "all" else _all_time(query),
    }


def _row(
    entry: Entry, query: ListQuery, measured: str, share: float, change: RankChange | None
) -> PageRow:
    written = dict(query.written)
    section = entry.metadata.section if entry.metadata else ""
    return PageRow(
        key=entry.article_id,
        rank=entry.rank,
        title=entry.title,
        language=entry.language,
        url=entry.link,
        details=urls.article_page(
            entry.article_id, **{name: written.get(name) for name in ("site", "tz", "lang")}
        ),
        section=section,
        section_url=urls.list_params(query, section=section, offset=None) if section else "",
        pinned=entry.pinned,
        described=entry.metadata is not None,
        change=change,
        measured=measured,
        share=round(100 * max(0.0, min(1.0, share)), 1),
        total=entry.total,
        integrity=entry.integrity,
    )


def _measure(by: By) -> Callable[[Entry], float]:
    """Return the number that a list shows for each article."""
    if by == "score":
        return lambda entry: entry.score(by)
    if by == "trending":
        return lambda entry: entry.window.views
    return lambda entry: int(getattr(entry.window, by))


def _unit(by: By, number: float, t: Translator) -> str:
    if by == "score":
        return t("unit.points")
    return t.plural("unit.views" if by == "trending" else f"unit.{by}", round(number))


def _rank_change(entry: Entry, t: Translator) -> RankChange | None:
    if entry.pinned:
        return None
    if entry.previous_rank is None:
        return (
            RankChange("new", t("rank_new"), t("rank_new")) if entry.rank <= _MAX_NEW_RANK else None
        )
    places = entry.previous_rank - entry.rank
    if not places:
        return None
    direction, symbol = ("up", "▲") if places > 0 else ("down", "▼")
    text = t(f"rank_{direction}", places=abs(places), before=entry.previous_rank)
    return RankChange(direction, f"{symbol}{abs(places)}", text)


def _all_time(query: ListQuery) -> str:
    return urls.list_params(query, window="all", by=_written_order(query), offset=None)


def _written_order(query: ListQuery) -> str | None:
    # Trending has only one window, so another window implies another order.
    return None if query.trending else dict(query.written).get("by")


def _quarantine_link(query: ListQuery, t: Translator) -> Choice:
    """Return the link that includes quarantined articles, or leaves them out again."""
    label = t("hide_quarantined" if query.quarantined else "show_quarantined")
    value = None if query.quarantined else "1"
    url = urls.list_params(query, quarantined=value, offset=None)
    return Choice(label, url, query.quarantined)


def _active_filters(query: ListQuery) -> list[tuple[str, str]]:
    """Return the values of the filters in the URL, and the URL without each."""
    filters = {"site": (query.site,), "section": query.section, "language": query.language}
    written = dict(query.written)
    return [
        (value, urls.list_params(query, **{name: [v for v in values if v != value]}, offset=None))
        for name, values in filters.items()
        for value in values
        if name in written
    ]


def _filters(query: ListQuery, values: FacetValues, t: Translator) -> list[FilterMenu]:
    kinds: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
        ("site", values.sites, (query.site,)),
        ("section", values.sections, query.section),
        # Language tags are case-insensitive.
        ("language", values.languages, tuple(tag.lower() for tag in query.language)),
    )
    menus = []
    for kind, names, chosen in kinds:
        # Another site has other sections.
        reset: dict[str, str | None] = {"section": None} if kind == "site" else {}
        choices = [
            Choice(
                name, urls.list_params(query, **{kind: name}, **reset, offset=None), name in chosen
            )
            for name in names
        ]
        if kind == "site":
            if len(names) > 1:
                menus.append(FilterMenu(t(kind), query.site, choices))
        elif names and (chosen or len(names) > 1):
            url = urls.list_params(query, **{kind: None}, offset=None)
            everything = Choice(t("all"), url, not chosen)
            label = ", ".join(chosen) or t("all")
            menus.append(FilterMenu(t(kind), label, [everything, *choices]))
    return menus


def _pages(query: ListQuery, shown: int, t: Translator) -> list[tuple[str, str, str]]:
    """Return the link relation, label and URL of the previous and next page."""
    pages = []
    if query.offset:
        first = max(0, query.offset - query.limit)
        label = t("page_ranks", first=first + 1, last=first + query.limit)
        pages.append(("prev", label, urls.list_params(query, offset=str(first) if first else None)))
    first = query.offset + query.limit
    if shown == query.limit and first <= params.MAX_OFFSET:
        label = t("page_ranks", first=first + 1, last=first + query.limit)
        pages.append(("next", label, urls.list_params(query, offset=str(first))))
    return pages
