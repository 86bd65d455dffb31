"""nginx with the configuration that the documentation recommends."""

import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import free_ports
from tests.support.system import wait_until
from tests.support.tls.certificates import Authority
from tests.support.tools import tool

PAGE = Path("docs/how-to/deployment.md")
COLLECTORS, RANKING = "count.news.example", "most-read.news.example"


@dataclass(frozen=True)
class Nginx:
    """A running nginx, which serves both host names on one port. `authority` signed for it."""

    port: int
    authority: Path


def sample() -> str:
    """Return the configuration in the documentation."""
    text = PAGE.read_text().partition("With nginx on the host")[2]
    block = re.search(r"\n\n((?:    .*\n|\n)+)", text)
    assert block, PAGE
    return block[1]


def adapted(port: int, collectors: Sequence[int], ranking: int, certificate: Path) -> str:
    """Return the sample with other addresses and files, for the nginx of Debian 12."""
    servers = "".join(f"server 127.0.0.1:{each} max_fails=0;" for each in collectors)
    changes = {
        r"server 127\.0\.0\.1:8081 max_fails=0;": servers,
        r"http://127\.0\.0\.1:8080": f"http://127.0.0.1:{ranking}",
        r"listen 443 ssl;\s+http2 on;": f"listen 127.0.0.1:{port} ssl http2;",
        r"/etc/ssl/[a-z.-]+\.(pem|key)": str(certificate),
    }
    text = sample()
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text)
        assert count, pattern
    return text


@contextmanager
def proxying(directory: Path, collectors: Sequence[int], ranking: int = 9) -> Iterator[Nginx]:
    """Run nginx in front of services on these ports, as documented."""
    (port,) = free_ports(1)
    authority = Authority(directory / "tls")
    certificate = authority.sign(COLLECTORS)
    with running(directory, port, adapted(port, collectors, ranking, certificate)):
        yield Nginx(port, authority.file)


@contextmanager
def running(directory: Path, port: int, servers: str) -> Iterator[None]:
    """Run nginx with these server blocks, which listen on `port`."""
    configuration = directory / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {directory}/pid; error_log {directory}/error.log;"
        "events { worker_connections 1000; }\n"
        f"http {{ access_log off; client_body_temp_path {directory}/body;"
        f"proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;"
        f"uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;\n"
        f"{servers}}}\n"
    )
    with (directory / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [tool("nginx"), "-c", str(configuration), "-p", str(directory)], stderr=stderr
        )

    def listens() -> bool:
        assert process.poll() is None, (directory / "stderr").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens, "nginx listens")
        yield
    finally:
        process.terminate()
        process.wait(30)
