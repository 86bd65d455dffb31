"""The page of an article at `/articles/{article_id}`: metadata, counts, charts, decisions.

It works without a script: the service draws its charts, and tables contain the same numbers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from mostread.core.ranking.windows import SLIDING
from mostread.errors import BadParameter, Misconfigured, MostreadError, Unavailable
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.auth.access import Access
from mostread.ranking.cache.cache import Cache
from mostread.ranking.decisions_repository import DecisionRepository
from mostread.ranking.pages import article_charts, chart_range, urls
from mostread.ranking.pages.chart import Mark
from mostread.ranking.pages.chart_range import ChartRange
from mostread.ranking.pages.decisions import decision_marks, exclusion_marks
from mostread.ranking.pages.i18n import TRANSLATORS, Translator
from mostread.ranking.pages.rows import age
from mostread.ranking.pages.templating import PageRenderer, clock_time, reader_language
from mostread.ranking.pages.view import local_defaults
from mostread.ranking.queries import ArticleQuery, ListDefaults, LogQuery
from mostread.ranking.repository import Counts
from mostread.ranking.service.article_chart import ArticleChart, ChartQuery
from mostread.ranking.service.articles import WINDOWS, ArticleDetails
from mostread.ranking.service.lists import web_address, web_link
from mostread.ranking.service.placement_log import placement_log
from mostread.ranking.service.rank_history import RankHistory
from mostread.ranking.service.typical import TypicalComparison, TypicalService

_SOON_SECONDS = 1.0
_MARKED_DECISIONS = 20
_AGED = timedelta(days=14)
_MAX_COMPARED = timedelta(days=60)
"""In a longer chart the first days of a typical article would set the scale."""

_PARAMETERS = {
    **{name: params.PAGE[name] for name in urls.SHARED},
    **chart_range.PARAMETERS,
}

T = TypeVar("T")


def add_article_page(
    app: Application,
    pages: PageRenderer,
    *,
    articles: Cache[ArticleQuery, ArticleDetails],
    charts: Cache[ChartQuery, ArticleChart],
    ranks: Cache[ArticleQuery, RankHistory],
    typical: TypicalService,
    decisions: DecisionRepository,
    access: Access,
    defaults: ListDefaults,
    clock: Callable[[], int],
) -> None:
    """Add the page to `app`. `clock` is in milliseconds."""

    async def marks(
        query: ArticleQuery, editing: bool, zone: ZoneInfo, t: Translator
    ) -> list[Mark]:
        """Return the decisions and exclusions to mark, which only editors see."""
        if not editing:
            return []
        log, exclusions = await asyncio.gather(
            placement_log(decisions, LogQuery(*query, limit=_MARKED_DECISIONS)),
            decisions.exclusions(*query),
        )
        return [*decision_marks(log, t), *exclusion_marks(exclusions, zone, t)]

    async def get_page(request: Request) -> Response:
        lang = reader_language(request)
        t = TRANSLATORS[lang]
        try:
            pairs, values = params.parse(request.query_string, _PARAMETERS, followed=True)
            article_id = params.article_id(request.path_params["article_id"])
            query = ArticleQuery(values.get("site", "default"), article_id)
            details = await articles.get(query)
            # The article may have another site by now, with editors of its own.
            editing = access.is_editor(request, details.query.site)
            # Ids can be guessed: readers learn nothing of an article that is withheld.
            if not (details.known if editing else details.public):
                if bare := article_id.rstrip("/") if article_id.endswith("/") else "":
                    return _redirect(request, bare)
                return pages.unknown_article(request, *query, lang)
            if details.query != query and (present := urls.renamed(pairs, *details.query)):
                # Not permanent: an alias can be deleted.
                return Response(status=302, headers={"Location": present})
            query = details.query
            tz = values.get("tz", local_defaults(request, defaults).tz)
            now = datetime.fromtimestamp(clock() / 1000, ZoneInfo(tz))
            published = _published(details)
            chosen = chart_range.choose(values, published, now, tz)
            by_day = chosen.step == "day"
            metadata = details.metadata
            compares = chosen.end - chosen.start < _MAX_COMPARED
            chart, decided, history, usual, compared = await asyncio.gather(
                charts.get(_chart_query(query, chosen, tz)),
                marks(query, editing, ZoneInfo(tz), t),
                _soon(ranks.get(query)),
                _soon(typical.get(query.site, metadata if compares else None, by_day=by_day)),
                _soon(typical.compare(query.site, metadata)),
            )
        except BadParameter as error:
            return pages.bad_parameter(request, error, lang, root="../")
        except (Unavailable, Misconfigured):
            return pages.unavailable(request, lang, root="../")
        if published is not None:
            decided = [Mark("published", published, t("mark.published")), *decided]
        written = dict(pairs)
        context = {
            **_article_context(details, written, now, t, editing=editing),
            **_figures(details, compared, now, t),
            **_range_context(chosen, written, now, t),
            "file_url": urls.series_file(query.article_id, query.site, chosen, lang),
            # The chart compares when the sentence does.
            **article_charts.counts_context(chart, compared and usual, decided, now, t),
            **article_charts.ranks_context(history, details, decided, now, t),
            **_freshness(details, chart, now, t),
        }
        return pages.html(request, "article.html", lang, context)

    app.add("GET", "/articles/{article_id}", get_page)


def _redirect(request: Request, article_id: str) -> Response:
    """Redirect from an address with a slash too many, from which relative links would not work."""
    query = f"?{request.query_string}" if request.query_string else ""
    location = f"../{quote(article_id, safe='')}{query}"
    return Response(status=308, headers={"Location": location})


async def _soon(awaited: Awaitable[T]) -> T | None:
    """Return a result, None on failure or timeout; those of a site take long once per hour."""
    try:
        async with asyncio.timeout(_SOON_SECONDS):
            return await awaited
    except (MostreadError, TimeoutError):
        return None


def _published(details: ArticleDetails) -> datetime | None:
    return details.metadata.published if details.metadata else None


def _chart_query(query: ArticleQuery, chosen: ChartRange, tz: str) -> ChartQuery:
    zone = tz if chosen.step == "day" else ""
    return ChartQuery(*query, chosen.step, chosen.start, chosen.end, zone)


def _article_context(
    details: ArticleDetails, written: dict[str, str], now: datetime, t: Translator, *, editing: bool
) -> dict[str, object]:
    metadata, (site, article_id) = details.metadata, details.query
    list_params = urls.shared(written.items())
    section = metadata.section if metadata else ""
    published = _published(details)
    return {
        "root": "../",
        "list_url": urls.list_page(**list_params),
        "headline": metadata.title if metadata else article_id,
        "language": metadata.language if metadata else "",
        "link": web_link(metadata),
        "section": section,
        "section_url": urls.list_page(**list_params, section=section),
        "authors": [
            (author, urls.list_page(**list_params, author=author))
            for author in (metadata.authors if metadata else ())
        ],
        "tags": [
            (tag, urls.list_page(**list_params, tag=tag))
            for tag in (metadata.tags if metadata else ())
        ],
        "published": _publication_time(published, now, t) if published else "",
        # An older one is a date, which stands there already.
        "age": age(published, now, t) if published and now - published < _AGED else None,
        "image": (metadata and web_address(metadata.image)) or "",
        "scheduled": published is not None and published > now,
        "described": metadata is not None,
        "site": site,
        "article_id": article_id,
        "withheld": details.standing.withheld,
        "pinned": details.standing.pinned,
        "integrity": details.integrity,
        "former": details.former if editing else (),
        "decisions": urls.decision_log(article_id, **{"site": site, **list_params}),
    }


def _publication_time(published: datetime, now: datetime, t: Translator) -> str:
    local = published.astimezone(now.tzinfo)
    return f"{t.date(local)} {local.year}, {local:%H:%M} ({now.tzinfo})"


def _figures(
    details: ArticleDetails, compared: TypicalComparison | None, now: datetime, t: Translator
) -> dict[str, object]:
    """Return the counts by window: those shorter than the article's life, and the total."""
    published = _published(details)
    windows = [
        (t(f"window.{name}"), details.windows[name])
        for name in WINDOWS
        if published is None or now - published > SLIDING[name]
    ]
    context: dict[str, object] = {
        "windows": [*windows, (t("total"), details.total or Counts())],
        "compared": "",
    }
    if compared is not None and details.metadata is not None:
        days = compared.age.days
        hours = compared.age.total_seconds() // 3600
        unit, number = ("days", days) if hours > 7 * 24 else ("hours", int(hours))
        context["compared"] = t(
            "typical.compared",
            ratio=t.ratio(compared.views / compared.typical),
            section=details.metadata.section,
            age=t.plural(f"first.{unit}", number).format(number=number),
            views=t.number(compared.views),
            typical=t.number(compared.typical),
            articles=t.number(compared.articles),
        )
    return context


def _range_context(
    chosen: ChartRange, written: dict[str, str], now: datetime, t: Translator
) -> dict[str, object]:
    names = [chart_range.LIFE, *chart_range.SPANS]
    last = (chosen.end.astimezone(now.tzinfo) - datetime.resolution).date()
    return {
        "spans": [
            (
                t(f"span.{name}"),
                "?" + urlencode({**urls.shared(written.items()), "over": name}),
                name == chosen.name,
            )
            for name in names
        ],
        "own_range": chosen.name == chart_range.OWN,
        "from_date": chosen.start.astimezone(now.tzinfo).date().isoformat(),
        "to_date": last.isoformat(),
        "today": now.date().isoformat(),
        "hidden_fields": list(urls.shared(written.items()).items()),
        "grain": chosen.step,
        "zone": str(now.tzinfo),
    }


def _freshness(
    details: ArticleDetails, chart: ArticleChart, now: datetime, t: Translator
) -> dict[str, object]:
    as_of = details.as_of
    return {
        "stale": details.stale or chart.stale,
        "as_of": clock_time(as_of, now, t) if as_of else "",
        "as_of_machine": serializers.rfc3339(as_of) if as_of else "",
    }
