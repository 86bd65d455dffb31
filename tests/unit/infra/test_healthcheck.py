"""Health checks over HTTP and TCP."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mostread.infra.healthcheck import (
    NoResponse,
    container_error,
    failing_checks,
    get,
    get_json,
    host_port,
    readiness_error,
    tcp_error,
)
from tests.support.tls.certificates import Authority

NOT_READY = {"detail": "kafka: no broker", "failing": {"kafka": "no broker"}}


class Service(HTTPServer):
    """A server whose /readyz answers with `status` and `body`."""

    status = 200
    body = b'{"status": "ready"}'


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _url(service: Service) -> str:
    return f"http://127.0.0.1:{service.server_port}"


def _unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_ready_service_has_no_error(service: Service) -> None:
    assert readiness_error(_url(service)) == ""
    assert failing_checks(_url(service)) == {}


def test_service_that_is_not_ready_reports_its_failing_checks(service: Service) -> None:
    service.status, service.body = 503, json.dumps(NOT_READY).encode()

    assert readiness_error(_url(service)) == "kafka: no broker"
    assert failing_checks(_url(service)) == {"kafka": "no broker"}


def test_other_server_is_not_ready(service: Service) -> None:
    service.status, service.body = 404, b"<html>"

    assert readiness_error(_url(service)) == f"{_url(service)} answers 404"
    with pytest.raises(NoResponse, match="answers 404, but not as mostread does"):
        get_json(_url(service), "/readyz")


def test_url_with_path_is_a_prefix(service: Service) -> None:
    assert get(f"{_url(service)}/below/", "/readyz") == (200, service.body)


def test_container_check_accepts_a_certificate_for_another_name(
    service: Service, tmp_path: Path
) -> None:
    file = str(Authority(tmp_path / "ca").sign("news.example"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    service.socket = context.wrap_socket(service.socket, server_side=True)
    environment = {
        "MOSTREAD_COLLECTOR_PORT": str(service.server_port),
        "MOSTREAD_HTTP_CERT_FILE": file,
    }

    assert container_error(["mostread", "collector"], environment) == ""
    service.status, service.body = 503, json.dumps(NOT_READY).encode()
    assert container_error(["mostread", "collector"], environment) == "kafka: no broker"


def test_port_without_listener_is_reported_as_refused() -> None:
    url = f"http://127.0.0.1:{_unused_port()}"

    assert readiness_error(url) == f"nothing responds at {url} (connection refused)"


def test_server_that_does_not_respond_is_reported_with_the_timeout() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert readiness_error(url, 0.05) == f"{url} does not respond within 0.05 s"


def test_tcp_error_tells_refused_unresolved_and_malformed_addresses_apart() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        assert tcp_error(f"127.0.0.1:{port}") == "connection refused"
        listening.listen()
        assert tcp_error(f"127.0.0.1:{port}") == ""
    assert tcp_error("no-such-host.invalid:9092") == "unknown host"
    assert tcp_error("127.0.0.1") == "not in the form host:port"
    assert tcp_error("127.0.0.1:many") == "not in the form host:port"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://db", "db:8123"),
        ("https://db/", "db:8443"),
        ("http://[::1]:9", "[::1]:9"),
        ("https://10.0.0.1:1", "10.0.0.1:1"),
    ],
)
def test_host_port_of_url_has_default_port(url: str, address: str) -> None:
    assert host_port(url) == address
