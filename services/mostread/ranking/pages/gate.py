"""The gate of a closed dashboard: a sign-in page instead of the pages, 401 instead of their data.

Every route is behind the gate unless `PUBLIC` names it, so that a new one is not open by mistake.
"""

from urllib.parse import parse_qsl, quote

from mostread.errors import Forbidden, Unauthorized
from mostread.infra.http.messages import Request, Response, parse_query
from mostread.ranking.auth.access import Access
from mostread.ranking.pages.templating import PageRenderer

PUBLIC = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/v1/most-read",
        "/v1/most-read.html",
        "/v1/stream",
        "/v1/counts",
        "/widget.js",
        "/feed.json",
        "/feed.xml",
        "/v1/session",
        "/v1/links",  # for editors of the site in its body
        "/share/{link}",
        "/static/{name}",
    }
)


class Gate:
    """Lets those through who may view the site that a request is about."""

    def __init__(self, access: Access, pages: PageRenderer) -> None:
        self._access = access
        self._pages = pages

    def admit(self, request: Request, path: str) -> Response | None:
        """Return the sign-in page for a page, None if the request may pass.

        Raises Unauthorized and Forbidden for data.
        """
        if not self._access.closed or path in PUBLIC:
            return None
        identity = self._access.known(request)
        sites = _sites(request, path)
        if identity is not None and all(map(identity.may_view, sites)):
            return None
        if not _is_page(path):
            if identity is None:
                raise Unauthorized("Sign in, or send `Authorization: Bearer <token>`.")
            raise Forbidden(f"{identity.name!r} may not see the site {sites[0]!r}.")
        if path == "/" and identity is not None and "site" not in request.query and identity.sites:
            return Response(status=303, headers={"Location": f"?site={quote(identity.sites[0])}"})
        return self._pages.sign_in(
            request,
            site=sites[0],
            page=_address(request, path),
            root="../" * (path.count("/") - 1),
            status=401 if identity is None else 403,
        )


def _address(request: Request, path: str) -> str:
    """Return the address of a page, relative to the root of the service."""
    params = {name: quote(value, safe="") for name, value in request.path_params.items()}
    query = f"?{request.query_string}" if request.query_string else ""
    return path.format(**params).removeprefix("/") + query


def _is_page(path: str) -> bool:
    return not path.startswith("/v1/") and path != "/live"


def _sites(request: Request, path: str) -> list[str]:
    """Return the sites that a request is about; a stream may carry pages of several."""
    if path == "/live":
        pages = [value for name, value in parse_qsl(request.query_string) if name == "page"]
        return [parse_query(page).get("site", "default") for page in pages] or ["default"]
    return [request.query.get("site", "default")]
