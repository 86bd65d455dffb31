"""The client behind a server that redirects it, as proxies do to HTTPS and to maintenance pages."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mostread.client.transport import Fatal, Retryable, Settled, Transport
from tests.support.tls.certificates import Authority

LINE = b'{"type":"view","article_id":"a"}\n'
ACCEPTED = {"accepted": 1, "dropped": 0, "rejected": []}


class RedirectingServer(HTTPServer):
    """Redirects to `location` with `status`, or accepts events without one."""

    location = ""
    status = 202
    requests = 0


class Handler(BaseHTTPRequestHandler):
    server: RedirectingServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        body = json.dumps(ACCEPTED).encode() if not self.server.location else b"<html>"
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[RedirectingServer]:
    with RedirectingServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_redirect_to_https_is_followed_for_good_and_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path / "ca")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving() as plain, serving(authority.sign("127.0.0.1")) as secure:
        plain.status = 301
        plain.location = f"https://127.0.0.1:{secure.server_port}/v1/events"
        transport = Transport(f"http://127.0.0.1:{plain.server_port}", "secret", timeout=5)
        outcomes = [transport.send(LINE) for _ in range(3)]
        transport.close()
    assert outcomes == [Settled(1, 0, [])] * 3
    assert (plain.requests, secure.requests) == (1, 3)
    (message,) = caplog.messages
    assert plain.location in message


@pytest.mark.parametrize(
    ("status", "location", "kind"),
    [
        (301, "https://other.example/v1/events", Fatal),
        (308, "https://127.0.0.1/elsewhere", Fatal),
        (301, "http://127.0.0.1:1/v1/events", Fatal),
        (302, "/maintenance.html", Retryable),
        (303, "https://status.example/", Retryable),
        (307, "https://other.example/v1/events", Retryable),
    ],
)
def test_other_redirect_is_an_error_with_its_address(
    status: int, location: str, kind: type
) -> None:
    with serving() as server:
        server.status, server.location = status, location
        transport = Transport(f"http://127.0.0.1:{server.server_port}", "secret", timeout=5)
        outcome = transport.send(LINE)
        transport.close()
    assert isinstance(outcome, kind)
    assert isinstance(outcome, Fatal | Retryable)
    assert f"{status} redirects to http" in outcome.error
    assert location in outcome.error
    assert not outcome.maybe_accepted
    assert server.requests == 1


@pytest.mark.parametrize("location", ["http://[bad", "https://127.0.0.1:port/v1/events", "\u00e4"])
def test_redirect_to_an_invalid_address_is_an_error(location: str) -> None:
    with serving() as server:
        server.status, server.location = 301, location
        transport = Transport(f"http://127.0.0.1:{server.server_port}", None, timeout=5)
        outcome = transport.send(LINE)
        transport.close()
    assert isinstance(outcome, Fatal | Retryable)
