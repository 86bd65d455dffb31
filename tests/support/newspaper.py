"""A publisher's web site on a free port with pages from a test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Newspaper:
    """Serves `pages`, HTML by path, with optional `headers` and `statuses` by path.

    A page with the header ETag or Last-Modified answers conditional requests with 304.
    """

    def __init__(self) -> None:
        self.pages: dict[str, str | bytes] = {}
        self.statuses: dict[str, int] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.requests: list[tuple[str, str]] = []
        """Path and Sec-Purpose of every request."""
        newspaper = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                newspaper.requests.append((path, self.headers.get("Sec-Purpose", "")))
                page = newspaper.pages.get(path)
                headers = newspaper.headers.get(path, {})
                status = newspaper.statuses.get(path, 404 if page is None else 200)
                for name, condition in (
                    ("ETag", "If-None-Match"),
                    ("Last-Modified", "If-Modified-Since"),
                ):
                    if name in headers and self.headers.get(condition) == headers[name]:
                        status = 304
                self.send_response(status)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if status != 304:
                    self.wfile.write(page.encode() if isinstance(page, str) else page or b"")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def newspaper() -> Iterator[Newspaper]:
    """Serve a site until the end of the block."""
    site = Newspaper()
    thread = threading.Thread(target=site.serve)
    thread.start()
    try:
        yield site
    finally:
        site.close()
        thread.join()
