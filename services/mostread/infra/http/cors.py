"""Cross-origin access (CORS): one policy per route, applied to all its responses.

A service passes its policies to `new_application(cors={...})`, by the route's canonical path
(`/v1/articles/{article_id}/placement`, without patterns), and its handlers set no CORS headers:

    EVENTS = CorsPolicy(methods="POST", request_headers="Content-Type", expose="Retry-After")
    app = new_application(..., cors={"/v1/events": EVENTS})
    app.router.add_post("/v1/events", post_events)
    app.router.add_options("/v1/events", preflight)

Errors, 304s and event streams receive the headers too. A route without a policy answers only
pages of its own origin. Policies permit every origin: no service reads cookies or other
credentials that a browser adds by itself, so a foreign page gains nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from aiohttp import hdrs, web

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

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Headers of every response."""
        headers: dict[str, str] = {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
        if self.expose:
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = self.expose
        if self.embeddable:
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return headers

    @cached_property
    def preflight_headers(self) -> Mapping[str, str]:
        """Headers of the response to OPTIONS."""
        headers = {**self.headers, hdrs.ACCESS_CONTROL_ALLOW_METHODS: self.methods}
        if self.request_headers:
            headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = self.request_headers
        headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(_PREFLIGHT_SECONDS)
        return headers

    def headers_for(self, method: str) -> Mapping[str, str]:
        """Return the headers of a response to `method`."""
        return self.preflight_headers if method == "OPTIONS" else self.headers


async def preflight(_: web.Request) -> web.Response:
    """Answer OPTIONS with 204; the route's policy adds the headers."""
    return web.Response(status=204)


def add_cors_headers(
    policies: Mapping[str, CorsPolicy],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return a handler of aiohttp's on_response_prepare that applies `policies`.

    A signal rather than a middleware, because a stream sends its headers before its handler
    returns.
    """

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        resource = request.match_info.route.resource
        policy = None if resource is None else policies.get(resource.canonical)
        if policy is not None:
            response.headers.update(policy.headers_for(request.method))

    return prepare
