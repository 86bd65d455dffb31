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

from mostread.core.ranking.windows import MINUTE
from mostread.errors import BadParameter, Misconfigured, Unavailable
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.auth.access import Access
from mostread.ranking.decisions_repository import DecisionRepository, PlacedRow
from mostread.ranking.pages import urls, wall
from mostread.ranking.pages.chips import Choice, chips
from mostread.ranking.pages.i18n import LANGUAGES, TRANSLATORS, Translator
from mostread.ranking.pages.in_force import decided_row
from mostread.ranking.pages.now import NowReader, now_parts, period
from mostread.ranking.pages.page_query import ROWS, page_query
from mostread.ranking.pages.rows import list_parts
from mostread.ranking.pages.templating import PageRenderer, clock_time, reader_language
from mostread.ranking.pages.view import local_defaults, view_of
from mostread.ranking.queries import DecisionsQuery, ListDefaults, ListQuery
from mostread.ranking.service.facets import Facets
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.lists import RankedList
from mostread.ranking.service.sparklines import Sparklines


def add_list_page(
    app: Application,
    pages: PageRenderer,
    *,
    lists: ListReader,
    facets: Facets,
    site_now: NowReader,
    sparklines: Sparklines,
    decisions: DecisionRepository,
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
        local = local_defaults(request, defaults)
        try:
            query = page_query(request.query_string, local, params.PAGE, view_of(request).compare)
            zone = ZoneInfo(dict(query.written).get("tz", local.tz))
            # Streams do not get the cookie, nor do files and walls that are linked elsewhere.
            away = {"tz": str(zone)} if str(zone) != defaults.tz else {}
            turn = None
            if "wall" in dict(query.written):
                query = query if query.limit != ROWS else replace(query, limit=wall.ROWS)
                turn = wall.wall(query, await facets.get(query.site), lang, **away)
                query = turn.query
            withheld: list[PlacedRow] = []
            if access.is_editor(request, query.site):
                query = replace(query, undescribed=True)
                if query.words:
                    withheld = await decisions.in_force(_withheld(query), clock())
            ranked = await lists.get(query)
        except BadParameter as error:
            return pages.bad_parameter(request, error, lang)
        except (Unavailable, Misconfigured):
            return pages.unavailable(request, lang)
        now = datetime.fromtimestamp(clock() / 1000, zone)
        values, totals, lines = await asyncio.gather(
            facets.get(query.site),
            site_now.get(query, now),
            sparklines.get(
                query.site, [entry.article_id for entry in ranked.entries], ranked.window
            ),
        )
        if access.closed and (viewer := access.known(request)):
            visible = {site: n for site, n in values.sites.items() if viewer.may_view(site)}
            values = replace(values, sites=visible)
        dates = period(ranked.window, now, t)
        context = {
            "window": dates if query.bounds else t(f"window.{query.window}"),
            "chips": chips(query, values, local, dates, t),
            "site": query.site,
            "today": f"{t.date(now)} {now.year}",
            "languages": _languages(query),
            "file_url": urls.list_file(query, lang, **away),
            "wall_url": urls.list_params(query, wall=str(wall.SECONDS), offset=None, **away),
            "trending": query.trending,
            "from_date": f"{ranked.window.start.astimezone(zone):%Y-%m-%d}" if query.bounds else "",
            "to_date": f"{ranked.window.end.astimezone(zone) - MINUTE:%Y-%m-%d}"
            if query.bounds
            else "",
            "hidden_fields": [(n, v) for n, v in query.written if v and n not in {"q", "offset"}],
            "without_search": urls.list_params(query, q=None, offset=None),
            **freshness(ranked, now, t),
            "now_strip": now_parts(totals, query, now, t),
            **list_parts(query, ranked, lines, now, t),
            "withheld": [decided_row(row, urls.shared(query.written), now, t) for row in withheld],
            "quarantine_link": _quarantine_link(query, t) if quarantines else None,
            # A search is not cached, so the page polls it instead of following a stream.
            "live": "" if query.words else _live_page(query, lang, away),
        }
        if turn:
            context |= {"wall": turn, "live": turn.page, "clock": f"{now:%H:%M}"}
        return pages.html(request, "wall.html" if turn else "list.html", lang, context)

    app.add("GET", "/", get_page)
    app.add("GET", "/static/{name}", pages.asset)


def _live_page(query: ListQuery, lang: str, away: Mapping[str, str]) -> str:
    """Return the query string of the same page for its stream, which knows no cookie."""
    compare = query.compare or "none"
    return urls.list_params(query, lang=lang, q=None, compare=compare, **away)[1:]


def _withheld(query: ListQuery) -> DecisionsQuery:
    """Return the search for what editors and the CMS keep out of lists."""
    return DecisionsQuery(query.site, ("hidden", "embargoed", "expired"), query.q, ROWS)


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
