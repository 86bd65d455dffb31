"""GET /tracker.js and /tracker.full.js: the tracker scripts, identical for every page.

Their URLs never change, so a browser may cache them for a day and use the stale copy for another
week while it revalidates: no reader waits for one twice, and a new version reaches everyone within
a day and one page view.
"""

from hashlib import blake2b
from importlib.resources import files

from mostread.infra.http.compression import accepts_gzip, compress
from mostread.infra.http.cors import CorsPolicy
from mostread.infra.http.etag import matches
from mostread.infra.http.messages import Request, Response

# Pages of any origin run them, including those with `crossorigin`, `integrity` or COEP.
CORS = CorsPolicy(embeddable=True)


class Script:
    """A script of `static`, served at `path` and at `unblocked_path`."""

    def __init__(self, path: str, unblocked_path: str, file: str) -> None:
        self.path = path
        self.unblocked_path = unblocked_path
        self.body = files("mostread.collector").joinpath("static", file).read_bytes()
        self._compressed = compress(self.body)
        # Weak, because it identifies the script and not its bytes, which exist in two encodings.
        self._etag = f'W/"{blake2b(self.body, digest_size=12).hexdigest()}"'

    async def get(self, request: Request) -> Response:
        """Return the script, gzipped if accepted, or 304 if the client has this version."""
        headers = {
            "ETag": self._etag,
            "Cache-Control": "public, max-age=86400, stale-while-revalidate=604800",
            "Vary": "Accept-Encoding",
        }
        if matches(request.headers.get("If-None-Match", ""), self._etag):
            return Response(status=304, headers=headers)
        headers["Content-Type"] = "text/javascript; charset=utf-8"
        headers["X-Content-Type-Options"] = "nosniff"
        if accepts_gzip(request.headers.get("Accept-Encoding", "")):
            return Response(self._compressed, headers={**headers, "Content-Encoding": "gzip"})
        return Response(self.body, headers=headers)


SCRIPTS = (
    Script("/tracker.js", "/page.js", "tracker.min.js"),
    # The small script loads this one from beside itself, by the second name.
    Script("/tracker.full.js", "/page.full.js", "tracker.full.min.js"),
)
