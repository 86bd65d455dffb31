"""`make vulnerabilities`: no vulnerability, a vulnerability, no reachable service."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from tests.support.servers import free_ports
from tools import audit_dependencies

KNOWN = audit_dependencies.KNOWN_VULNERABLE.partition("==")[0]


class Database(ThreadingHTTPServer):
    """Responds like OSV; it has a vulnerability for each package in `vulnerable`."""

    vulnerable: frozenset[str] = frozenset()


class Handler(BaseHTTPRequestHandler):
    server: Database

    def do_POST(self) -> None:
        query = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        vulnerability = {"id": "OSV-1", "summary": "", "affected": [], "aliases": ["CVE-1"]}
        known = query["package"]["name"] in self.server.vulnerable
        body = orjson.dumps({"vulns": [vulnerability]} if known else {})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def check(port: int, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("click==8.3.3\norjson==3.13.0\n")
    return subprocess.run(
        [sys.executable, audit_dependencies.__file__, str(requirements)],
        env={
            "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
            "PIP_AUDIT_OSV_URL": f"http://127.0.0.1:{port}/v1/query",
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_unreachable_services_are_reported_without_failure(tmp_path: Path) -> None:
    done = check(free_ports(1)[0], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "osv is not available" in done.stdout
    assert "Dependencies were NOT checked" in done.stdout


def test_service_without_known_vulnerability_is_skipped(database: Database, tmp_path: Path) -> None:
    done = check(database.server_port, tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"it reports no vulnerability in {audit_dependencies.KNOWN_VULNERABLE}" in done.stdout
    assert "Dependencies were NOT checked" in done.stdout


def test_safe_packages_are_counted(database: Database, tmp_path: Path) -> None:
    database.vulnerable = frozenset({KNOWN})
    done = check(database.server_port, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2 packages, 0 known vulnerabilities, by osv\n"


def test_vulnerability_is_reported_and_fails(database: Database, tmp_path: Path) -> None:
    database.vulnerable = frozenset({KNOWN, "orjson"})
    done = check(database.server_port, tmp_path)
    assert done.returncode == 1
    assert "orjson 3.13.0: CVE-1 OSV-1, fixed in no version yet" in done.stdout
    assert "2 packages, 1 known vulnerabilities" in done.stdout
