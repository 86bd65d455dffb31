"""GET /tracker.js: the tracker script, identical for every page.

Its URL never changes, so a browser may cache it for a day and use the stale copy for another week
while it revalidates: no reader waits for it twice, and a new version reaches everyone within a
day and one page view.
"""

from hashlib import blake2b
from importlib.resources import files

from mostread.infra.http.compression import accepts_gzip, compress
from mostread.infra.http.cors import CorsPolicy
from mostread.infra.http.etag import matches
from mostread.infra.http.messages import Request, Response

PATH = "/tracker.js"
UNBLOCKED_PATH = "/page.js"
# Pages of any origin run it, including those with `crossorigin`, `integrity` or COEP.
CORS = CorsPolicy(embeddable=True)
SCRIPT = files("mostread.collector").joinpath("static", "tracker.min.js").read_bytes()
COMPRESSED = compress(SCRIPT)
# Weak, because it identifies the script and not its bytes, which exist in two encodings.
ETAG = f'W/"{blake2b(SCRIPT, digest_size=12).hexdigest()}"'
HEADERS: dict[str, str] = {
    "ETag": ETAG,
    "Cache-Control": "public, max-age=86400, stale-while-revalidate=604800",
    "Vary": "Accept-Encoding",
}


async def get_tracker(request: Request) -> Response:
    """Return the script, gzipped if accepted, or 304 if the client has this version."""
    if matches(request.headers.get("If-None-Match", ""), ETAG):
        return Response(status=304, headers=HEADERS)
    headers = {
        **HEADERS,
        "Content-Type": "text/javascript; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
    }
    if accepts_gzip(request.headers.get("Accept-Encoding", "")):
        return Response(COMPRESSED, headers={**headers, "Content-Encoding": "gzip"})
    return Response(SCRIPT, headers=headers)
