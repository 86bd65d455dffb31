"""Requests above the limit are refused, and accepted ones are answered."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mostread.core.events import encode
from mostread.devstack.servers.kafka import LocalKafka
from tests.abuse.raw import Raw, post
from tests.support.collector import Collecting, collecting, view
from tests.support.system import wait_until

ROOM = 3


@pytest.fixture
def small(kafka: LocalKafka, tmp_path: Path) -> Iterator[Collecting]:
    """A collector in which three requests may wait, and they wait long."""
    with collecting(
        kafka.brokers,
        tmp_path,
        max_inflight_requests=str(ROOM),
        ack_timeout_seconds="120",
        kafka_liveness_timeout_seconds="120",
    ) as collector:
        yield collector


def request(name: str) -> bytes:
    return post(encode(view(name)))


def test_request_above_limit_gets_503_and_succeeds_later(
    kafka: LocalKafka, small: Collecting
) -> None:
    assert kafka.pid is not None
    port = small.service.port
    opened: list[Raw] = []
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        opened += (Raw(port, request(f"taken-{n}")) for n in range(ROOM))
        wait_until(
            lambda: small.metric("mostread_collector_inflight_requests") == ROOM, "they wait"
        )
        refused = Raw(port, request("refused"))
        opened.append(refused)
        answer = refused.answer()
        assert answer.status == 503
        assert "\r\nretry-after: 1\r\n" in answer.head + "\r\n"
        assert b"urn:mostread:problem:overloaded" in answer.body
        # The answer came after a second: clients that ignore Retry-After cannot ask faster.
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
    for taken in opened[:ROOM]:
        assert taken.answer().status == 202
    refused.send(request("again"))
    assert refused.answer().status == 202
    for connection in opened:
        connection.close()
    assert small.ids() == sorted(["again", *(f"taken-{n}" for n in range(ROOM))])
