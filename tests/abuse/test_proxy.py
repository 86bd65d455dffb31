"""nginx in front, configured as the documentation recommends: no request is smuggled through it."""

import gzip
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mostread.core.events import encode
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import migrate
from tests.abuse.raw import TIMEOUT_SECONDS, post
from tests.support.collector import Collecting, collecting, view
from tests.support.nginx import COLLECTORS, RANKING, Nginx, proxying
from tests.support.ranking import Counted
from tests.support.system import Service
from tests.support.tools import tool

SMUGGLED = post(encode(view("smuggled")))
HOST = f"Host: {COLLECTORS}\r\nUser-Agent: raw".encode()


@pytest.fixture(scope="module")
def collector(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    """A collector that trusts the proxy."""
    with collecting(
        kafka.brokers,
        tmp_path_factory.mktemp("proxied"),
        trusted_proxies="127.0.0.1/32",
        rate_limit_per_address_hour="6",
        rate_limit_exempt_networks="",
    ) as started:
        yield started


@pytest.fixture(scope="module")
def ranking(
    clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    settings = ClickHouseSettings(
        clickhouse_url=clickhouse.url, clickhouse_database="test_proxied_ranking"
    )
    migrate(settings)
    client = connect(settings)
    counted = Counted(client, "default")
    counted.event("news/1", datetime.now(UTC), views=7)
    counted.article("news/1")
    counted.write()
    client.close()
    environment = {
        "MOSTREAD_CLICKHOUSE_URL": clickhouse.url,
        "MOSTREAD_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }
    service = Service("ranking", environment, tmp_path_factory.mktemp("ranking")).start()
    yield service.wait_ready()
    assert service.stop() == 0


@pytest.fixture(scope="module")
def nginx(
    collector: Collecting, ranking: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nginx]:
    ports = [collector.service.port]
    with proxying(tmp_path_factory.mktemp("nginx"), ports, ranking.port) as started:
        yield started


def exchange(nginx: Nginx, data: bytes) -> bytes:
    """Send bytes over TLS; return what comes back until nginx ends the connection."""
    context = ssl.create_default_context(cafile=nginx.authority)
    with (
        # Another address than nginx's own, which the collector trusts.
        socket.create_connection(
            ("127.0.0.1", nginx.port), TIMEOUT_SECONDS, source_address=("127.0.0.2", 0)
        ) as plain,
        context.wrap_socket(plain, server_hostname=COLLECTORS) as connection,
    ):
        connection.sendall(data)
        received = b""
        while more := connection.recv(1 << 16):
            received += more
        return received


def head(*lines: bytes) -> bytes:
    return b"\r\n".join([b"POST /v1/events HTTP/1.1", HOST, *lines]) + b"\r\n\r\n"


LAST = b"GET /last HTTP/1.1\r\n" + HOST + b"\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "request_head",
    [
        head(b"Content-Length: 6", b"Transfer-Encoding: chunked"),
        head(b"Transfer-Encoding: chunked", b"Content-Length: 6"),
        head(b"Transfer-Encoding: chunked, identity"),
        head(b"Transfer-Encoding: identity, chunked"),
        head(b"Transfer-Encoding: xchunked"),
        head(b"Transfer-Encoding: \x0bchunked", b"Content-Length: 5"),
        head(b"Transfer-Encoding\t: chunked", b"Content-Length: 5"),
        head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
        head(b"Content-Length: 5", b"Content-Length: 6"),
        head(b"Content-Length: 5, 6"),
        head(b"A: b", b" Transfer-Encoding: chunked"),
        head(b"A: b\rTransfer-Encoding: chunked"),
        head(b"A: b\x00"),
        head(b"Host: b", b"Content-Length: 5"),
    ],
)
def test_ambiguous_request_smuggles_nothing_through_nginx(
    nginx: Nginx, collector: Collecting, request_head: bytes
) -> None:
    answers = exchange(nginx, request_head + b"0\r\n\r\n" + SMUGGLED)
    assert answers.startswith(b"HTTP/1.1 ")
    assert b" 202 Accepted" not in answers
    assert "smuggled" not in collector.ids()


@pytest.mark.parametrize(
    "request_head",
    [
        # nginx and the collector read the length; the body stays a body.
        head(b"A: b\nContent-Length: %d"),
        head(b"Transfer_Encoding: chunked", b"Content-Length: %d"),
        head(b"Connection: Content-Length", b"Content-Length: %d"),
        # A body where the route has none, of a length that must not be forgotten (CL.0).
        b"GET /v1/pixel.gif HTTP/1.1\r\n" + HOST + b"\r\nContent-Length: %d\r\n\r\n",
        b"OPTIONS /v1/events HTTP/1.1\r\n" + HOST + b"\r\nContent-Length: %d\r\n\r\n",
        b"POST https://"
        + COLLECTORS.encode()
        + b"/v1/events HTTP/1.1\r\n"
        + HOST
        + b"\r\nContent-Length: %d\r\n\r\n",
    ],
)
def test_request_inside_a_body_is_not_executed(
    nginx: Nginx, collector: Collecting, request_head: bytes
) -> None:
    # A GET, as a POST would be an event by its last line.
    body = b"GET /v1/pixel.gif?article_id=smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    answers = exchange(nginx, request_head % len(body) + body + LAST)
    assert answers.count(b"HTTP/1.1 ") == 2
    assert "smuggled" not in {event.article_id for event in collector.events()}


def test_only_the_last_forwarded_address_counts(nginx: Nginx, collector: Collecting) -> None:
    """The rate limit is per address: forged X-Forwarded-For values give no new one."""
    dropped = 0
    for number in range(12):
        body = encode(view(f"forged-{number}", f"forged-{number}"))
        lines = [b"Content-Length: %d" % len(body), b"Connection: close"]
        forged = b"X-Forwarded-For: 192.0.2.%d" % number
        _, _, answer = exchange(nginx, head(*lines, forged) + body).partition(b"\r\n\r\n")
        dropped += json.loads(answer)["dropped"]
    assert dropped > 0


def curl(nginx: Nginx, host: str, *arguments: str, data: bytes = b"") -> str:
    return subprocess.run(
        [
            *(tool("curl"), "-sS", "--max-time", "20", "--cacert", str(nginx.authority)),
            *("--resolve", f"{host}:{nginx.port}:127.0.0.1", *arguments),
        ],
        input=data,
        capture_output=True,
        check=True,
    ).stdout.decode()


def test_event_arrives_over_http2_and_gzip(nginx: Nginx, collector: Collecting) -> None:
    version = curl(
        nginx,
        COLLECTORS,
        *("--http2", "--data-binary", "@-", "-H", "Content-Encoding: gzip"),
        *("-w", "%{http_version} %{http_code}", "-o", "/dev/null"),
        f"https://{COLLECTORS}:{nginx.port}/v1/events",
        data=gzip.compress(encode(view("compressed")), mtime=0),
    )
    assert version == "2 202"


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/v1/counts?id=news%2F1&id=b", 200, '"news/1":{"views":7,"comments":0,"likes":0}'),
        ("/v1/articles/news%2F1/series?grain=hour", 200, ",7]"),
        ("/v1/most-read?section=a&section=b&exclude=news%2F1", 200, '"items":[]'),
        ("/widget.js", 200, '"most-read-like"'),
        ("/v1/articles/news%2F1", 404, "nginx"),
        ("/v1/articles/news%2F1/placements", 404, "nginx"),
        ("/", 404, "nginx"),
    ],
    ids=["counts", "series", "list", "elements", "article", "log", "page"],
)
def test_only_public_addresses_of_ranking_pass_nginx(
    nginx: Nginx, path: str, status: int, expected: str
) -> None:
    # The certificate is for the name of the collectors.
    options = ("--insecure", "--write-out", "%{http_code}")
    answer = curl(nginx, RANKING, *options, f"https://{RANKING}:{nginx.port}{path}")
    assert answer.endswith(str(status))
    assert expected in answer
