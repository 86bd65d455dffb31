"""The page at `/`: a list that works without a script, and that a script keeps up to date.

When the list changes, the script receives the parts that change (live.py) and replaces what
differs (static/live.js), so that only the templates determine what a row looks like.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale

from mostread.errors import BadParameter, Misconfigured, Unavailable
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.params.values import Parameter
from mostread.ranking.auth.access import Access
from mostread.ranking.pages import urls, wall
from mostread.ranking.pages.chips import Choice, chips
from mostread.ranking.pages.i18n import LANGUAGES, TRANSLATORS, Translator
from mostread.ranking.pages.now import NowReader, now_parts
from mostread.ranking.pages.rows import list_parts
from mostread.ranking.pages.templating import PageRenderer, clock_time, reader_language
from mostread.ranking.queries import ListDefaults, ListQuery
from mostread.ranking.service.facets import Facets
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.lists import RankedList
from mostread.ranking.service.sparklines import Sparklines

ROWS = 20
"""Rows of a page, unless the address says otherwise."""


def page_query(raw: str, defaults: ListDefaults, known: Mapping[str, Parameter]) -> ListQuery:
    """Parse the query string of a list page. Raises BadParameter."""
    query = params.list_query(raw, defaults, known=known, followed=True)
    return query if "limit" in dict(query.written) else replace(query, limit=ROWS)


def add_list_page(
    app: Application,
    pages: PageRenderer,
    *,
    lists: ListReader,
    facets: Facets,
    site_now: NowReader,
    sparklines: Sparklines,
    access: Access,
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
            query = page_query(request.query_string, defaults, params.PAGE)
            turn = None
            if "wall" in dict(query.written):
                query = query if query.limit != ROWS else replace(query, limit=wall.ROWS)
                turn = wall.wall(query, await facets.get(query.site), lang)
                query = turn.query
            if access.is_editor(request, query.site):
                query = replace(query, undescribed=True)
            ranked = await lists.get(query)
        except BadParameter as error:
            return pages.bad_parameter(request, error, lang)
        except (Unavailable, Misconfigured):
            return pages.unavailable(request, lang)
        zone = ZoneInfo(dict(query.written).get("tz", defaults.tz))
        now = datetime.fromtimestamp(clock() / 1000, zone)
        values, totals, lines = await asyncio.gather(
            facets.get(query.site),
            site_now.get(query, now),
            sparklines.get(query.site, [entry.article_id for entry in ranked.entries]),
        )
        if access.closed and (viewer := access.known(request)):
            visible = {site: n for site, n in values.sites.items() if viewer.may_view(site)}
            values = replace(values, sites=visible)
        context = {
            "window": t(f"window.{query.window}"),
            "chips": chips(query, values, defaults, t),
            "site": query.site,
            "today": f"{t.date(now)} {now.year}",
            "languages": _languages(query),
            "wall_url": urls.list_params(query, wall=str(wall.SECONDS), offset=None),
            "hidden_fields": [(n, v) for n, v in query.written if v and n not in {"q", "offset"}],
            "without_search": urls.list_params(query, q=None, offset=None),
            **freshness(ranked, now, t),
            "now_strip": now_parts(totals, query, now, t),
            **list_parts(query, ranked, lines, now, t),
            "quarantine_link": _quarantine_link(query, t) if quarantines else None,
            # A search is not cached, so the page polls it instead of following a stream.
            "live": "" if query.words else urls.list_params(query, lang=lang, q=None)[1:],
        }
        if turn:
            context |= {"wall": turn, "live": turn.page, "clock": f"{now:%H:%M}"}
        return pages.html(request, "wall.html" if turn else "list.html", lang, context)

    app.add("GET", "/", get_page)
    app.add("GET", "/static/{name}", pages.asset)


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


def _languages(query: ListQuery) -> list[dict[str, str]]:
    """Return the page in every language, by its own name."""
    return [
        {"lang": lang, "label": Locale(lang).get_display_name(lang) or lang}
        | {"url": urls.list_params(query, lang=lang)}
        for lang in LANGUAGES
    ]


def _quarantine_link(query: ListQuery, t: Translator) -> Choice:
    """Return the link that includes quarantined articles, or leaves them out again."""
    label = t("hide_quarantined" if query.quarantined else "show_quarantined")
    value = None if query.quarantined else "1"
    url = urls.list_params(query, quarantined=value, offset=None)
    return Choice(label, url, query.quarantined)
