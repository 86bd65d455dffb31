"""deploy/caddy/Caddyfile, run by Caddy over HTTP in front of servers that return what they get."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.compose import CONTAINERS, ROOT
from tests.support.manifests import EXAMPLE, built
from tests.support.servers import free_ports
from tests.support.system import wait_until
from tests.support.tools import tool

CADDYFILE = ROOT / "deploy/caddy/Caddyfile"


class Echo(BaseHTTPRequestHandler):
    """Answers with the path and the headers of the request."""

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, **dict(self.headers.items())}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield the address of each service behind a running Caddy."""
    folder = tmp_path_factory.mktemp("caddy")
    ports = dict(zip(("collector", "ranking"), free_ports(2), strict=True))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as backend:
        Thread(target=backend.serve_forever, daemon=True).start()
        settings = {
            f"{name.upper()}_{part}": value
            for name in urls
            for part, value in (
                ("HOST", urls[name]),
                ("ADDRESS", f"127.0.0.1:{backend.server_port}"),
            )
        }
        command = [tool("caddy"), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
        environment = os.environ | settings | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stderr=log)
        try:
            wait_until(lambda: answers(process, urls["ranking"], folder / "log"), "Caddy answers")
            yield urls
        finally:
            process.terminate()
            process.wait(30)
            backend.shutdown()


def answers(process: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return get(url, "/nothing")[0] == 404
    except ConnectionError:
        return False


def get(
    url: str, path: str, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str]]:
    """Return the status of GET, and the path and headers that the server received."""
    with closing(HTTPConnection(url.removeprefix("http://"), timeout=10)) as connection:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"{}")


def public_paths(name: str) -> set[str]:
    """Return the exact paths of an ingress of the Kubernetes example."""
    (rule,) = built(EXAMPLE).of("Ingress")[f"mostread-{name}"]["spec"]["rules"]
    return {each["path"] for each in rule["http"]["paths"] if each["pathType"] == "Exact"}


@pytest.mark.parametrize("name", ["collector", "ranking"])
def test_proxy_passes_exactly_the_paths_of_the_ingress(name: str, proxy: dict[str, str]) -> None:
    for path in public_paths(name):
        assert get(proxy[name], f"{path}?a=b")[1]["path"] == f"{path}?a=b"
    listed = re.findall(r"@public path (.*)", CADDYFILE.read_text())
    assert set(listed[["collector", "ranking"].index(name)].split()) == public_paths(name)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("collector", "/metrics"),
        ("collector", "/readyz"),
        ("collector", "/v1/articles"),
        ("collector", "/v1/events/../articles"),
        ("collector", "/v1/placement"),
        ("ranking", "/"),
        ("ranking", "/metrics"),
        ("ranking", "/v1/articles/lamps"),
        ("ranking", "/v1/articles/lamps/placements"),
        ("ranking", "/v1/articles/lamps/series/../placements"),
        ("ranking", "/v1/session"),
    ],
)
def test_proxy_hides_everything_else(name: str, path: str, proxy: dict[str, str]) -> None:
    assert get(proxy[name], path) == (404, {})


def test_proxy_keeps_an_encoded_id_of_a_series(proxy: dict[str, str]) -> None:
    path = "/v1/articles/%2F2026%2F11%2Flamps/series"
    assert get(proxy["ranking"], path)[1]["path"] == path


def test_proxy_names_the_reader_and_nobody_else(proxy: dict[str, str]) -> None:
    _, received = get(proxy["collector"], "/v1/events", {"X-Forwarded-For": "192.0.2.1"})
    assert received["X-Forwarded-For"] == "127.0.0.1"


def test_compose_gives_the_proxy_every_variable_and_the_file() -> None:
    container = CONTAINERS["proxy"]
    variables = set(re.findall(r"\{\$(\w+)\}", CADDYFILE.read_text()))
    assert container["environment"].keys() == variables
    for name in ("collector", "ranking"):
        published = CONTAINERS[name]["ports"][0].rpartition(":")[2]
        assert container["environment"][f"{name.upper()}_ADDRESS"] == f"{name}:{published}"
    # The default command of the image reads /etc/caddy/Caddyfile.
    assert "./deploy/caddy:/etc/caddy:ro" in container["volumes"]
