"""Clients that exhaust connections, time and memory: others are served, use is bounded."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mostread.core.events import encode
from tests.abuse.raw import TIMEOUT_SECONDS, Raw, memory, post
from tests.support.collector import Collecting, view
from tests.support.system import wait_until

# Limits for a collector; docs/explanation/security.md has the measured figures.
MOST_MIB = 400
EVENT = encode(view("good"))


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
        assert memory(ordinary.service.pid) < MOST_MIB
        assert cut(ordinary, "max_connections") > before + spare
        # Those that came first went first.
        assert opened[0].ended()
        assert opened[-1].is_open()
        opened[-1].send(post(EVENT))
        assert opened[-1].answer().status == 202


def test_endless_request_heads_are_closed(strict_collector: Collecting) -> None:
    before = cut(strict_collector, "timeout")
    with connections(strict_collector, 20, b"POST /v1/events HTTP/1.1\r\n") as opened:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        # A byte now and then does not help.
        while still := [connection for connection in opened if connection.is_open()]:
            for connection in still:
                connection.send(b"a")
            assert served(strict_collector)
            assert time.monotonic() < deadline
    assert cut(strict_collector, "timeout") >= before + 20


def test_endless_bodies_get_408_and_the_connection_closes(strict_collector: Collecting) -> None:
    with connections(strict_collector, 20, post(b"x" * 100)[:-50]) as opened:
        assert served(strict_collector)
        for connection in opened:
            answer = connection.answer()
            assert answer.status == 408
            assert b"urn:mostread:problem:request-timeout" in answer.body
            assert connection.ended()


def test_client_that_reads_no_responses_is_closed(strict_collector: Collecting) -> None:
    before = cut(strict_collector, "timeout")
    # Far more answers than the kernel keeps for one who reads none.
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 30
    client = Raw(strict_collector.service.port)
    client.flood(ask, times=200)
    wait_until(lambda: cut(strict_collector, "timeout") > before, "it is cut")
    client.close()
    assert served(strict_collector)
    assert memory(strict_collector.service.pid) < MOST_MIB


def test_connection_above_limit_closes_longest_idle_one(
    strict_collector: Collecting,
) -> None:
    before = cut(strict_collector, "max_connections")
    with connections(strict_collector, 300, b"") as opened:
        assert served(strict_collector)
        assert opened[0].ended()
    assert cut(strict_collector, "max_connections") >= before + 200


def test_buffered_bodies_are_bounded(ordinary: Collecting) -> None:
    before = cut(ordinary, "max_buffered_bytes")
    # 1,500 MiB in all, of which 64 may be held.
    with connections(ordinary, 1500, post(b" " * (1 << 20))[: 1 << 20]) as opened:
        large = b"\n".join(encode(view(f"large-{n}", "a" * 100)) for n in range(900))
        client = Raw(ordinary.service.port, post(large))
        assert client.answer().status == 202
        client.close()
        assert opened[0].ended()
        assert memory(ordinary.service.pid) < MOST_MIB
    assert cut(ordinary, "max_buffered_bytes") >= before + 1400


def test_collector_survives_without_free_file_descriptors(ordinary: Collecting) -> None:
    """Clients are refused only as long as the descriptors are exhausted."""
    pid = ordinary.service.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (100, limits[1]))
    try:
        with connections(ordinary, 200, b"") as opened:
            assert opened[-1].ended()
        wait_until(lambda: served(ordinary), "there is room again")
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert served(ordinary)
