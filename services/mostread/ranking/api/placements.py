"""Decisions of editors, which the collector stores: /v1/placement."""

from mostread.errors import EditorAccessDisabled
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params
from mostread.ranking.api.deciding import DecisionService
from mostread.ranking.api.responses import NO_STORE
from mostread.ranking.auth.access import Access
from mostread.ranking.service.collector import Collector

PLACEMENT = "/v1/placement"
PLACEMENT_OF = "/v1/articles/{article_id}/placement"


def add_placement_routes(
    app: Application, access: Access, collector: Collector, deciding: DecisionService
) -> None:
    """Add the routes to `app`."""

    async def decide(request: Request) -> Response:
        site, article_id = params.placement(
            request.query_string, request.path_params.get("article_id")
        )
        editor = access.require_editor(request, site)
        if not access.can_decide:
            raise EditorAccessDisabled(
                "This service cannot reach a collector, which stores decisions; set "
                "MOSTREAD_RANKING_COLLECTOR_URL and MOSTREAD_RANKING_SESSION_SECRET."
            )
        if request.method == "PUT":
            body = await app.bodies.read(request)
            answer = await deciding.decide(
                site=site, article_id=article_id, body=body, editor=editor.name
            )
        else:
            answer = await collector.decide(
                "DELETE", site=site, article_id=article_id, body=b"", editor=editor.name
            )
        headers = {**answer.headers, "Cache-Control": NO_STORE}
        return Response(answer.body, status=answer.status, headers=headers)

    for path in (PLACEMENT, PLACEMENT_OF):
        app.add("PUT", path, decide)
        app.add("DELETE", path, decide)
