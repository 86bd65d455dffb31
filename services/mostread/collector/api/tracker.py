"""GET /tracker.js: the script that a page counts with, the same bytes for everyone.

Its address never changes, so a browser may keep it a day, and use what it kept for a week more
while it asks whether there is a newer one: no reader waits for it twice, and a new version
reaches everybody within a day and a page.
"""

import gzip
from hashlib import blake2b
from importlib.resources import files

from aiohttp import hdrs, web

SCRIPT = files("mostread.collector").joinpath("static", "tracker.min.js").read_bytes()
COMPRESSED = gzip.compress(SCRIPT, compresslevel=9, mtime=0)
# Weak, because it names the script and not the bytes, of which there are two kinds.
ETAG = f'W/"{blake2b(SCRIPT, digest_size=12).hexdigest()}"'
HEADERS = {
    hdrs.ETAG: ETAG,
    hdrs.CACHE_CONTROL: "public, max-age=86400, stale-while-revalidate=604800",
    hdrs.VARY: hdrs.ACCEPT_ENCODING,
    # Pages of any origin run it, those with `crossorigin`, `integrity` or an embedder policy too.
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


async def tracker(request: web.Request) -> web.Response:
    """Answer with the script, compressed for whoever takes it, or 304 where it is known."""
    known = request.if_none_match or ()
    if any(tag.value == "*" or f'W/"{tag.value}"' == ETAG for tag in known):
        return web.Response(status=304, headers=HEADERS)
    headers = {
        **HEADERS,
        hdrs.CONTENT_TYPE: "text/javascript; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
    }
    if _takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        return web.Response(body=COMPRESSED, headers={**headers, hdrs.CONTENT_ENCODING: "gzip"})
    return web.Response(body=SCRIPT, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip, with a quality above nought if with any."""
    for offer in accepted.lower().split(","):
        coding, _, quality = offer.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return quality.strip("0.") != "" or quality == ""
    return False
