"""Cross-origin access (CORS): one policy per route, applied to all its responses.

A service passes its policies to Application by the route's path
(`/v1/articles/{article_id}/placement`), and its handlers set no CORS headers:

    EVENTS = CorsPolicy(methods="POST", request_headers="Content-Type", expose="Retry-After")
    app = Application(settings, cors={"/v1/events": EVENTS})
    app.add("POST", "/v1/events", post_events)
    app.add("OPTIONS", "/v1/events", preflight)

Errors, 304s and event streams receive the headers too. A route without a policy answers only
pages of its own origin. Policies permit every origin: no service reads cookies or other
credentials that a browser adds by itself, so a foreign page gains nothing.
"""

from dataclasses import dataclass
from functools import cached_property

from mostread.infra.http.messages import Request, Response

_PREFLIGHT_SECONDS = 86400


@dataclass(frozen=True)
class CorsPolicy:
    """Permissions of pages of other origins on a route. Lists are comma-separated.

    `expose` names response headers that a script may read. `methods` and `request_headers` are
    what a preflight permits; without `methods` the route needs no preflight. `embeddable` lets
    pages that isolate themselves (COEP) load the response as an image or script.
    """

    expose: str = ""
    methods: str = ""
    request_headers: str = ""
    embeddable: bool = False

    def headers_for(self, method: str) -> list[tuple[str, str]]:
        """Return the headers of a response to `method`."""
        return self._preflight_headers if method == "OPTIONS" else self._headers

    @cached_property
    def _headers(self) -> list[tuple[str, str]]:
        headers = [("Access-Control-Allow-Origin", "*")]
        if self.expose:
            headers.append(("Access-Control-Expose-Headers", self.expose))
        if self.embeddable:
            headers.append(("Cross-Origin-Resource-Policy", "cross-origin"))
        return headers

    @cached_property
    def _preflight_headers(self) -> list[tuple[str, str]]:
        headers = [*self._headers, ("Access-Control-Allow-Methods", self.methods)]
        if self.request_headers:
            headers.append(("Access-Control-Allow-Headers", self.request_headers))
        return [*headers, ("Access-Control-Max-Age", str(_PREFLIGHT_SECONDS))]


async def preflight(_: Request) -> Response:
    """Answer OPTIONS with 204; the route's policy adds the headers."""
    return Response(status=204)
