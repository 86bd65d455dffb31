"""HTTP/2 without and with TLS, and clients that abuse it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mostread.core.events import encode
from mostread.devstack.servers.kafka import LocalKafka
from tests.abuse import http2
from tests.abuse.http2 import Connection, Frame
from tests.abuse.raw import Raw, memory
from tests.support.collector import Collecting, collecting, view
from tests.support.system import System, wait_until
from tests.support.tls.certificates import Authority
from tests.support.tools import tool

DECLARED = ("content-length", "1000")


@pytest.fixture(scope="module")
def short_timeout(
    kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collecting]:
    """A collector that waits two seconds for a client, and five for Kafka."""
    with collecting(
        kafka.brokers,
        tmp_path_factory.mktemp("short_timeout"),
        web={"client_timeout_seconds": "2"},
        ack_timeout_seconds="5",
    ) as collector:
        yield collector


def post(collector: Collecting, body: bytes, *more: tuple[str, str]) -> Connection:
    """Send the beginning of a POST over a new connection."""
    connection = Connection(collector.service.port)
    connection.send(
        Frame(http2.HEADERS, http2.END_HEADERS, 1, http2.head("POST", "/v1/events", *more)),
        Frame(http2.DATA, 0, 1, body),
    )
    return connection


def curl(*arguments: str) -> tuple[str, bytes]:
    """Return the version and status of a response, and its body."""
    command = [tool("curl"), "-sS", "--max-time", "30", "-w", "\n%{http_version} %{http_code}"]
    output = subprocess.run([*command, *arguments], capture_output=True, check=True)
    body, _, outcome = output.stdout.rpartition(b"\n")
    return outcome.decode(), body


def test_event_is_counted_without_tls(ordinary: Collecting) -> None:
    url = f"{ordinary.url}/v1/events"
    outcome, _ = curl("--http2-prior-knowledge", url, "-d", encode(view("h2c")).decode())
    assert outcome == "2 202"
    assert "h2c" in ordinary.ids()


def test_event_is_counted_with_tls(kafka: LocalKafka, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    certificate = str(authority.sign("127.0.0.1"))
    tls = {"cert_file": certificate, "key_file": certificate}
    collector = Collecting(kafka.brokers, tmp_path)
    collector.init()
    collector.start(tls)
    try:
        url = f"https://127.0.0.1:{collector.service.port}"
        trust = ("--cacert", str(authority.file))
        probe = [tool("curl"), "-sf", *trust, f"{url}/readyz"]
        wait_until(lambda: subprocess.run(probe, check=False).returncode == 0, "it is ready")
        for version, option in (("2", "--http2"), ("1.1", "--http1.1")):
            event = encode(view(f"tls-{version}")).decode()
            outcome, _ = curl(*trust, option, f"{url}/v1/events", "-d", event)
            assert outcome == f"{version} 202"
        assert collector.ids() == ["tls-1.1", "tls-2"]
    finally:
        collector.service.stop()


def test_errors_are_problems(ordinary: Collecting) -> None:
    h2 = "--http2-prior-knowledge"
    outcome, body = curl(h2, f"{ordinary.url}/nothing")
    assert (outcome, b"urn:mostread:problem:not-found" in body) == ("2 404", True)
    connection = post(ordinary, b" ", ("content-length", "99999999"))
    answer = connection.until(http2.DATA)
    connection.close()
    assert answer is not None
    assert b"urn:mostread:problem:too-large" in answer.payload


def test_endless_body_gets_408(short_timeout: Collecting) -> None:
    connection = post(short_timeout, encode(view("endless")))
    answer = connection.until(http2.DATA)
    assert answer is not None
    assert b"urn:mostread:problem:request-timeout" in answer.payload
    connection.close()
    assert "endless" not in short_timeout.ids()


RESET = Frame(http2.RST_STREAM, 0, 1, http2.CANCEL.to_bytes(4, "big"))
RESET_WITHOUT_ERROR = Frame(http2.RST_STREAM, 0, 1, bytes(4))


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ([], []),
        ([DECLARED], []),
        ([], [RESET]),
        ([DECLARED], [RESET]),
        ([DECLARED], [RESET_WITHOUT_ERROR]),
    ],
)
def test_event_of_a_cancelled_request_is_not_counted(
    ordinary: Collecting, more: list[tuple[str, str]], end: list[Frame]
) -> None:
    """The body ends at a line, as if it were complete.

    Only a client that declares no length and resets its stream without an error looks to Granian
    like one whose body is complete.
    """
    connection = post(ordinary, encode(view("cancelled")) + b"\n", *more)
    # Another stream is answered, so the collector has read what came before.
    ask = Frame(
        http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, 3, http2.head("GET", "/healthz")
    )
    connection.send(ask)
    assert connection.until(http2.DATA) is not None
    connection.send(*end)
    connection.close()
    outcome, _ = curl(
        "--http2-prior-knowledge", f"{ordinary.url}/v1/events", "-d", encode(view("next")).decode()
    )
    assert outcome == "2 202"
    assert "cancelled" not in ordinary.ids()


@pytest.mark.parametrize("data", [b"", b"P", b"PRI * HTTP/2.0\r\n\r\n", http2.PREFACE])
def test_client_that_says_nothing_more_is_closed(short_timeout: Collecting, data: bytes) -> None:
    """After the client's time and that of a request, as it might wait for an answer."""
    client = Raw(short_timeout.service.port, data)
    client.rest()
    client.close()


def test_stream_ends_when_its_client_resets_it(system: System) -> None:
    ranking = system.service("ranking").wait_ready()
    connection = Connection(ranking.port)
    flags = http2.END_HEADERS | http2.END_STREAM
    connection.send(Frame(http2.HEADERS, flags, 1, http2.head("GET", "/v1/stream")))
    assert connection.until(http2.DATA) is not None
    clients = "mostread_ranking_stream_clients"
    assert ranking.metric(clients) == 1
    connection.send(Frame(http2.RST_STREAM, 0, 1, http2.CANCEL.to_bytes(4, "big")))
    wait_until(lambda: ranking.metric(clients) == 0, "the stream ends")
    connection.close()


def test_rapid_resets_end_the_connection(ordinary: Collecting) -> None:
    """CVE-2023-44487: a client that opens and resets streams without end."""
    connection = Connection(ordinary.service.port)
    flags = http2.END_HEADERS | http2.END_STREAM
    ask, reset = http2.head("GET", "/openapi.json"), http2.CANCEL.to_bytes(4, "big")
    try:
        for stream in range(1, 40_000, 2):
            connection.send(
                Frame(http2.HEADERS, flags, stream, ask),
                Frame(http2.RST_STREAM, 0, stream, reset),
            )
    except ConnectionError:
        pass
    else:
        assert connection.until(http2.GOAWAY) is not None
    connection.close()
    assert memory(ordinary.service.pid) < 400
