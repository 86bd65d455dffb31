"""GET /tracker.js: the tracker script, identical for every page.

Its URL never changes, so a browser may cache it for a day and use the stale copy for another week
while it revalidates: no reader waits for it twice, and a new version reaches everyone within a
day and one page view.
"""

from hashlib import blake2b
from importlib.resources import files

from aiohttp import hdrs, web

from mostread.infra.http.compression import accepts_gzip, compress
from mostread.infra.http.cors import CorsPolicy

PATH = "/tracker.js"
# Pages of any origin run it, including those with `crossorigin`, `integrity` or COEP.
CORS = CorsPolicy(embeddable=True)
SCRIPT = files("mostread.collector").joinpath("static", "tracker.min.js").read_bytes()
COMPRESSED = compress(SCRIPT)
# Weak, because it identifies the script and not its bytes, which exist in two encodings.
ETAG = f'W/"{blake2b(SCRIPT, digest_size=12).hexdigest()}"'
HEADERS: dict[str, str] = {
    hdrs.ETAG: ETAG,
    hdrs.CACHE_CONTROL: "public, max-age=86400, stale-while-revalidate=604800",
    hdrs.VARY: hdrs.ACCEPT_ENCODING,
}


async def get_tracker(request: web.Request) -> web.Response:
    """Return the script, gzipped if accepted, or 304 if the client has this version."""
    tags = request.if_none_match or ()
    if any(tag.value == "*" or f'W/"{tag.value}"' == ETAG for tag in tags):
        return web.Response(status=304, headers=HEADERS)
    headers = {
        **HEADERS,
        hdrs.CONTENT_TYPE: "text/javascript; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
    }
    if accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        return web.Response(body=COMPRESSED, headers={**headers, hdrs.CONTENT_ENCODING: "gzip"})
    return web.Response(body=SCRIPT, headers=headers)
