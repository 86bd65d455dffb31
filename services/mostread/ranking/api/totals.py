"""GET /v1/totals and GET /v1/series: the sums over a site's articles, now and over time."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.exports import STEP_COLUMNS, Table, file_response, take_export
from mostread.ranking.api.responses import JsonRenderer
from mostread.ranking.cache.cache import Cache
from mostread.ranking.queries import ListDefaults, SiteSeriesQuery, TotalsQuery
from mostread.ranking.repository import Counts
from mostread.ranking.service.site_series import SiteSeries
from mostread.ranking.service.totals import NOW_MINUTES, Totals

_CACHE_CONTROL = "public, max-age=5"


def add_totals_routes(
    app: Application,
    *,
    totals: Cache[TotalsQuery, Totals],
    series: Cache[SiteSeriesQuery, SiteSeries],
    defaults: ListDefaults,
    clock: Callable[[], int],
) -> None:
    """Add the routes to `app`. `clock` is in milliseconds since the epoch."""
    render_totals = JsonRenderer(totals_document, _CACHE_CONTROL)
    render_series = JsonRenderer(series_document, _CACHE_CONTROL)
    parsed = lru_cache(maxsize=1024)(lambda raw: params.totals_query(raw, defaults))

    async def get_totals(request: Request) -> Response:
        return render_totals(await totals.get(parsed(request.query_string))).respond(request)

    async def get_series(request: Request) -> Response:
        now = datetime.fromtimestamp(clock() / 1000, UTC)
        export, raw = take_export(request.query_string)
        query = params.site_series_query(raw, defaults, now)
        counted = await series.get(query)
        if export is None:
            return render_series(counted).respond(request)
        table = Table(f"views-{query.site}-{query.grain}", STEP_COLUMNS)
        return file_response(request, export, table, _steps(counted), _CACHE_CONTROL)

    app.add("GET", "/v1/totals", get_totals)
    app.add("GET", "/v1/series", get_series)


def totals_document(totals: Totals) -> serializers.Document:
    """Return the document of GET /v1/totals."""
    compared = totals.compared
    return {
        "site": totals.query.site,
        "window": serializers.window_bounds(totals.window),
        "as_of": serializers.rfc3339_or_none(totals.as_of),
        "stale": totals.stale,
        **_counts(totals.counts),
        "compared": (
            {"window": serializers.window_bounds(compared.window), **_counts(compared.counts)}
            if compared
            else None
        ),
        "not_compared": totals.not_compared,
        "now": {
            "minutes": NOW_MINUTES,
            "views": totals.now.views,
            "day_before": totals.now.day_before,
            "week_before": totals.now.week_before,
        },
    }


def series_document(series: SiteSeries) -> serializers.Document:
    """Return the document of GET /v1/series."""
    query = series.query
    return {
        "site": query.site,
        "grain": query.grain,
        "from": serializers.rfc3339(query.start),
        "to": serializers.rfc3339(query.end),
        "as_of": serializers.rfc3339_or_none(series.as_of),
        "stale": series.stale,
        "steps": _steps(series),
    }


def _steps(series: SiteSeries) -> list[serializers.Document]:
    return [
        {
            "start": serializers.rfc3339(step.start),
            **_counts(step.counts),
            "complete": step.complete,
        }
        for step in series.steps
    ]


def _counts(counts: Counts) -> dict[str, int]:
    return msgspec.structs.asdict(counts)
