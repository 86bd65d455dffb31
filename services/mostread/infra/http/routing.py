"""Match requests to routes.

A path is static, `/v1/events`, or ends in one parameter with an optional suffix,
`/v1/articles/{article_id}/series`. Granian decodes a path before it matches, so a parameter may
contain slashes, and the route with the longest fixed part takes precedence: an id that itself ends
in `/series` cannot be addressed by such a path.

A static path may have aliases. Only paths with aliases also match with doubled slashes and with one
at their end: a proxy that blocks `/metrics` need not think of `//metrics/`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from mostread.infra.http.cors import CorsPolicy
from mostread.infra.http.messages import Request, Response, StreamResponse

_SLASHES = re.compile("//+")

Handler = Callable[[Request], Awaitable[Response | StreamResponse]]


@dataclass(eq=False, slots=True)
class Route:
    """The handlers of a path by method, and its permissions for pages of other origins."""

    path: str
    cors: CorsPolicy | None = None
    handlers: dict[str, Handler] = field(default_factory=dict)

    @property
    def allow(self) -> str:
        """Methods that the route supports, as the header Allow has them."""
        methods = {*self.handlers, "OPTIONS"} if self.cors else self.handlers
        return ", ".join(sorted(methods))


class Router:
    """The routes of an application. `cors` holds their policies by path."""

    def __init__(self, cors: Mapping[str, CorsPolicy]) -> None:
        self._cors = cors
        self._static: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        self._tolerant: dict[str, Route] = {}

    def add(self, method: str, path: str, handler: Handler, *, head: bool = True) -> None:
        """Add a handler. With `head`, one of GET also answers HEAD, without its body."""
        route = self._route(path)
        route.handlers[method] = handler
        if method == "GET" and head:
            route.handlers["HEAD"] = handler

    def add_aliases(self, path: str, *aliases: str) -> None:
        """Serve a static path under further paths, and all of them with superfluous slashes."""
        route = self._route(path)
        self._static |= dict.fromkeys(aliases, route)
        self._tolerant |= dict.fromkeys((path, *aliases), route)

    def match(self, request: Request) -> Route | None:
        """Return the route of a request and set its path parameters, None without a match."""
        route = self._static.get(request.path)
        if route is not None:
            return route
        for pattern, route in self._patterns:
            if match := pattern.fullmatch(request.path):
                request.path_params = match.groupdict()
                return route
        return self._tolerant.get(_SLASHES.sub("/", request.path).rstrip("/"))

    def _route(self, path: str) -> Route:
        for route in (*self._static.values(), *(route for _, route in self._patterns)):
            if route.path == path:
                return route
        route = Route(path, self._cors.get(path))
        if "{" not in path:
            self._static[path] = route
            return route
        pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(path)), re.DOTALL)
        self._patterns.append((pattern, route))
        self._patterns.sort(key=lambda each: -len(each[1].path))
        return route
