"""Protection against requests that a foreign page causes in the browser of somebody signed in."""

from urllib.parse import urlsplit

from mostread.errors import ForeignPage
from mostread.infra.http.messages import Request
from mostread.ranking.auth.cookies import known_scheme

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def changes_something(request: Request) -> bool:
    """Return whether the method of a request may change anything."""
    return request.method not in _SAFE


def require_same_origin(request: Request, public_url: str, *, browser: bool = True) -> None:
    """Raise ForeignPage unless a page of this service sent the request.

    Browsers send Sec-Fetch-Site, which no page can set. Over plain HTTP, and from old browsers, the
    header Origin must name this service. Without `browser`, a request with neither may be a
    program's and passes.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        same = site == "same-origin"
    elif origin is not None:
        same = _is_own(origin.lower(), request, public_url.lower())
    else:
        same = not browser
    if not same:
        raise ForeignPage(
            "Only pages of this service may send this request with a cookie; other programs send "
            "`Authorization: Bearer <token>`. Behind a proxy, pass the header Host on, or set "
            "MOSTREAD_RANKING_PUBLIC_URL."
        )


def _is_own(origin: str, request: Request, public_url: str) -> bool:
    scheme, host = urlsplit(origin)[:2]
    public_scheme, public_host = urlsplit(public_url)[:2]
    if not host:
        return False
    if host == public_host:
        return scheme == public_scheme
    # Behind a proxy that does not tell, the scheme of the page is unknown.
    return host == request.host.lower() and known_scheme(request) in (scheme, None)
