"""A picture that counts a view: for pages without JavaScript, for feeds and for mail.

Only views: whatever embeds a picture somewhere makes every reader of that page ask for it, and
nobody should like or comment an article by opening another page.
"""

import base64
from collections.abc import Mapping

import msgspec
from aiohttp import hdrs, web

from mostread.collector.pipeline.strict_decoder import Reason, Rejection

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""One transparent point, in 43 bytes."""

FIELDS = ("article_id", "site", "type", "id", "visitor")
EVERYWHERE = {
    hdrs.CACHE_CONTROL: "no-store",
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    # Else a page that isolates itself (COEP) would not ask for it.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def event(query: Mapping[str, str]) -> bytes | Rejection:
    """Return the view that an address tells of, as JSON that is still to be checked.

    Other parameters are overlooked: pages add some to get around caches.
    """
    fields = {name: query[name] for name in FIELDS if name in query}
    if fields.setdefault("type", "view") != "view":
        detail = "A picture counts views only; send comments and likes by POST /v1/events."
        return Rejection(0, Reason.SCHEMA, detail)
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:
        return Rejection(0, Reason.SYNTAX, "The address is not UTF-8.")


def picture() -> web.Response:
    """Return the picture."""
    return web.Response(body=GIF, content_type="image/gif", headers=EVERYWHERE)


def picture_away(away: web.Response) -> web.Response:
    """Return the picture with the status and the headers of `away`: the view was not kept.

    A page shows it all the same; what fetches pictures for mail asks again.
    """
    answer = picture()
    answer.set_status(away.status)
    answer.headers[hdrs.RETRY_AFTER] = away.headers[hdrs.RETRY_AFTER]
    return answer
