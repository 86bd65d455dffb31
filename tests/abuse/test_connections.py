"""Clients that exhaust connections, time and memory: others are served, use is bounded."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mostread.core.events import encode
from mostread.devstack.servers.kafka import LocalKafka
from tests.abuse.raw import TIMEOUT_SECONDS, Raw, memory, post
from tests.support.collector import Collecting, collecting, view
from tests.support.system import wait_until

# Limits for a collector; docs/explanation/security.md has the measured figures.
MOST_MIB = 400
MOST_MIB_IDLE = 120
EVENT = encode(view("good"))
HUGE_CHUNK = (
    b"POST /v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"FFFFFFFFFFFFFFFF\r\nabc"
)


@contextmanager
def connections(collector: Collecting, count: int, data: bytes) -> Iterator[list[Raw]]:
    """So many connections that have sent `data`, one after the other."""
    port = collector.service.port
    opened: list[Raw] = []
    try:
        opened.extend(Raw(port, data) for _ in range(count))
        yield opened
    finally:
        for connection in opened:
            connection.close()


def served(collector: Collecting) -> bool:
    """Whether a good client, on a new connection, is served."""
    client = Raw(collector.service.port, post(EVENT))
    try:
        return client.answer().status == 202
    finally:
        client.close()


def cut(collector: Collecting, reason: str) -> float:
    return collector.metric(f'mostread_collector_connections_closed_total{{reason="{reason}"}}')


def test_collector_serves_with_ten_thousand_idle_connections(ordinary: Collecting) -> None:
    most, spare = 10_000, 40
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < most + spare + 200:
        pytest.skip(f"only {hard} files may be open here")
    before = cut(ordinary, "max_connections")
    with connections(ordinary, most + spare, b"") as opened:
        assert served(ordinary)
        assert memory(ordinary.service.pid) < MOST_MIB_IDLE
        assert cut(ordinary, "max_connections") > before + spare
        # Those that came first went first.
        assert opened[0].ended()
        assert opened[-1].is_open()
        opened[-1].send(post(EVENT))
        assert opened[-1].answer().status == 202


def test_endless_request_heads_are_closed(strict_collector: Collecting) -> None:
    """Granian closes these without an answer; no metric counts them."""
    with connections(strict_collector, 20, b"POST /v1/events HTTP/1.1\r\n") as opened:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        # A byte now and then does not help.
        while still := [connection for connection in opened if connection.is_open()]:
            for connection in still:
                connection.send(b"a")
            assert served(strict_collector)
            assert time.monotonic() < deadline


def test_idle_connection_is_closed_after_client_timeout(strict_collector: Collecting) -> None:
    client = Raw(strict_collector.service.port, post(EVENT))
    assert client.answer().status == 202
    assert client.ended()
    client.close()


@pytest.mark.parametrize("body", [post(b"x" * 100)[:-50], HUGE_CHUNK])
def test_endless_bodies_get_408_and_the_connection_closes(
    strict_collector: Collecting, body: bytes
) -> None:
    with connections(strict_collector, 20, body) as opened:
        assert served(strict_collector)
        for connection in opened:
            answer = connection.answer()
            assert answer.status == 408
            assert b"urn:mostread:problem:request-timeout" in answer.body
            assert connection.ended()


def test_client_that_reads_no_responses_is_closed(strict_collector: Collecting) -> None:
    """The kernel closes these; no metric counts them."""
    # Far more answers than the kernel keeps for one who reads none.
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 30
    client = Raw(strict_collector.service.port)
    client.flood(ask, times=200)
    assert client.is_established()
    wait_until(lambda: not client.is_established(), "it is closed")
    # Besides the connection that asks.
    accepted = "mostread_collector_connections"
    wait_until(lambda: strict_collector.metric(accepted) <= 1, "its descriptor is closed")
    client.close()
    assert served(strict_collector)
    assert memory(strict_collector.service.pid) < MOST_MIB


def test_connection_above_limit_closes_longest_idle_one(kafka: LocalKafka, tmp_path: Path) -> None:
    with (
        collecting(kafka.brokers, tmp_path, web={"max_connections": "100"}) as collector,
        connections(collector, 300, b"") as opened,
    ):
        assert served(collector)
        assert opened[0].ended()
        assert cut(collector, "max_connections") >= 200


def test_buffered_bodies_are_bounded(ordinary: Collecting) -> None:
    # 1,500 MiB in all, of which 64 may be held.
    with connections(ordinary, 1500, post(b" " * (1 << 20))[: 1 << 20]) as opened:
        large = b"\n".join(encode(view(f"large-{n}", "a" * 100)) for n in range(900))
        client = Raw(ordinary.service.port, post(large))
        assert client.answer().status == 202
        client.close()
        for connection in opened[:1400]:
            answer = connection.answer()
            assert (answer.status, b"urn:mostread:problem:overloaded" in answer.body) == (503, True)
            assert connection.ended()
        assert memory(ordinary.service.pid) < MOST_MIB


def test_collector_survives_without_free_file_descriptors(ordinary: Collecting) -> None:
    """Connections wait in the kernel only as long as the descriptors are exhausted."""
    pid = ordinary.service.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (100, limits[1]))
    try:
        with connections(ordinary, 200, b"") as opened:
            wait_until(lambda: "Too many open files" in ordinary.service.log.read_text(), "none")
            assert opened[-1].is_open()
            # The sweep of connections needs a descriptor itself, and survives.
            time.sleep(2)
        assert served(ordinary)
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert served(ordinary)
    assert "Traceback" not in ordinary.service.log.read_text()
