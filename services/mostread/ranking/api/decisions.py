"""GET /v1/decisions: what is hidden, pinned, embargoed, expiring and approved at a site now."""

from collections.abc import Callable

from mostread.infra.http.application import Application
from mostread.infra.http.cors import PRIVATE
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.exports import Table, file_response, take_export
from mostread.ranking.api.responses import CachedResponse
from mostread.ranking.auth.access import Access
from mostread.ranking.decisions_repository import DecisionRepository, PlacedRow
from mostread.ranking.queries import DecisionsQuery

_MOST_EXPORTED = 10_000
_COLUMNS = (
    *("article_id", "title", "url", "section", "language", "kinds", "from_cms", "rank"),
    *("decision.by", "decision.decided_at", "decision.reason", "decision.hidden"),
    *(f"decision.{name}" for name in ("pinned", "embargo_until", "expires_at")),
    *(f"decision.pinned_in.{name}" for name in ("sections", "languages", "windows")),
    *("decision.approved", "decision.until"),
)


def add_decisions_route(
    app: Application,
    *,
    decisions: DecisionRepository,
    access: Access,
    clock: Callable[[], int],
) -> None:
    """Add the route to `app`. `clock` is in milliseconds since the epoch."""

    async def get_decisions(request: Request) -> Response:
        export, raw = take_export(request.query_string)
        query = params.decisions_query(raw)
        if export is not None and "limit=" not in raw:
            query = query._replace(limit=_MOST_EXPORTED)
        access.require_editor(request, query.site)
        # Never cached: an editor looks for what was decided just now.
        rows = await decisions.in_force(query, clock())
        if export is not None:
            table = Table(f"decisions-{query.site}", _COLUMNS)
            return file_response(request, export, table, map(_item, rows), PRIVATE)
        document = decisions_document(query, rows)
        return CachedResponse.of_document(document, PRIVATE).respond(request)

    app.add("GET", "/v1/decisions", get_decisions)


def decisions_document(query: DecisionsQuery, rows: list[PlacedRow]) -> serializers.Document:
    """Return the document of GET /v1/decisions."""
    return {"site": query.site, "items": [_item(row) for row in rows]}


def _item(row: PlacedRow) -> serializers.Document:
    return {
        "article_id": row.article_id,
        "title": row.title,
        "url": row.url or None,
        "section": row.section or None,
        "language": row.language or None,
        "described": row.described,
        "kinds": row.kinds,
        "from_cms": row.from_cms,
        "rank": row.rank,
        "decision": serializers.named_decision(row) if row.version else None,
    }
