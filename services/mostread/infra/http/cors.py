"""Cross-origin access (CORS): one policy per route, applied to all its responses.

A service passes its policies to Application by the route's path
(`/v1/articles/{article_id}/placement`), and its handlers set no CORS headers:

    EVENTS = CorsPolicy(expose="Retry-After", credentials=True)
    app = Application(settings, cors={"/v1/events": EVENTS})
    app.add("POST", "/v1/events", post_events)

Application answers preflights by the policy: instrumented pages add headers to every request, even
to those that would be simple. Errors, 304s and event streams receive the headers too. A route
without a policy answers only pages of its own origin. Policies permit every origin and every
request header: without `credentials`, a browser keeps from a foreign page what it requested with
cookies, and routes with `credentials` read none. A response that is PRIVATE, for an editor say,
gets no headers.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from mostread.infra.http.messages import Request

PRIVATE = "private, no-cache"
"""Cache-Control of responses that are for one client, and not for pages of other origins."""

_PREFLIGHT_SECONDS = 86400
_REQUEST_HEADERS = "Authorization, Content-Encoding, Content-Type"
_HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~, -]{1,2000}", re.ASCII)


@dataclass(frozen=True)
class CorsPolicy:
    """Permissions of pages of other origins on a route.

    `expose` names response headers that a script may read, separated by commas. `embeddable` lets
    pages that isolate themselves (COEP) load the response as an image or script. `credentials`
    permits requests to which the browser adds cookies, as it always does to those of
    `navigator.sendBeacon`.
    """

    expose: str = ""
    embeddable: bool = False
    credentials: bool = False

    def headers_for(
        self, request: Request, methods: Callable[[], str]
    ) -> Sequence[tuple[str, str]]:
        """Return the headers of the response to a request; `methods` names those of its route."""
        origin = request.headers.get("Origin") if self.credentials else None
        if origin is None and request.method != "OPTIONS":
            return self._headers_for_all
        headers = [*self._headers_for_all]
        if origin is not None:
            # With credentials the value * would not apply.
            headers[0] = ("Access-Control-Allow-Origin", origin)
            headers += [("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin")]
        if request.method == "OPTIONS":
            names = request.headers.get("Access-Control-Request-Headers", "")
            permitted = names if _HEADER_NAMES.fullmatch(names) else _REQUEST_HEADERS
            headers += [
                ("Access-Control-Allow-Methods", methods()),
                ("Access-Control-Allow-Headers", permitted),
                ("Access-Control-Max-Age", str(_PREFLIGHT_SECONDS)),
            ]
        return headers

    @cached_property
    def _headers_for_all(self) -> Sequence[tuple[str, str]]:
        headers = [("Access-Control-Allow-Origin", "*")]
        if self.expose:
            headers.append(("Access-Control-Expose-Headers", self.expose))
        if self.embeddable:
            headers.append(("Cross-Origin-Resource-Policy", "cross-origin"))
        return headers
