"""What the address of a request says behind its question mark."""

from aiohttp import web

from mostread.core.events import LATEST_TIMESTAMP
from mostread.infra.http.auth import Refused
from mostread.infra.http.problems import problem


def sent_at(request: web.Request) -> int | None:
    """Return what the sender's clock showed, in milliseconds, None where it did not say.

    In the address, since a page that sends a beacon cannot set a header. Raises Refused.
    """
    if "?" not in request.raw_path:  # most have none, and to look further is dear
        return None
    text = request.query.get("sent_at")
    if text is None:
        return None
    # isdecimal alone is true of digits of other scripts too.
    if not (text.isascii() and text.isdecimal() and len(text) <= 13):
        raise Refused(_wrong(text))
    if (moment := int(text)) > LATEST_TIMESTAMP:
        raise Refused(_wrong(text))
    return moment


def _wrong(text: str) -> web.Response:
    return problem(
        400,
        "invalid-sent-at",
        "Bad Request",
        f"sent_at={text[:40]!r} is no time. Send milliseconds since 1970, as Date.now() gives "
        "them, or leave it out. Nothing was kept.",
    )
