"""Protection against requests that a foreign page causes in the browser of somebody signed in."""

from urllib.parse import urlsplit

from mostread.errors import Forbidden
from mostread.infra.http.messages import Request

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def changes_something(request: Request) -> bool:
    """Return whether the method of a request may change anything."""
    return request.method not in _SAFE


def require_same_origin(request: Request, public_url: str, *, browser: bool = True) -> None:
    """Raise Forbidden unless a page of this service sent the request.

    Browsers send Sec-Fetch-Site, which no page can set. Over plain HTTP, and from old browsers, the
    header Origin must name this service. Without `browser`, a request with neither may be a
    program's and passes.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        same = site == "same-origin"
    elif origin is not None:
        hosts = {request.host.lower(), urlsplit(public_url).netloc.lower()}
        same = urlsplit(origin.lower()).netloc in hosts - {""}
    else:
        same = not browser
    if not same:
        raise Forbidden(
            "Only pages of this service may send this request with a cookie; other programs send "
            "`Authorization: Bearer <token>`. Behind a proxy, pass the header Host on, or set "
            "MOSTREAD_RANKING_PUBLIC_URL."
        )
