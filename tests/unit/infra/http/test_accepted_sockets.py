"""Connections that Granian accepted, as the kernel describes them."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.connections import Connections


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as created:
        yield created


def descriptors() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


def connections(listening: socket.socket) -> Connections:
    return Connections(listening.getsockname()[1], ServiceSettings())


def test_scan_counts_accepted_sockets_and_leaves_no_descriptor(listening: socket.socket) -> None:
    with (
        socket.create_connection(listening.getsockname()),
        listening.accept()[0],
        Path(__file__).open(),  # not a socket
    ):
        watched = connections(listening)
        before = descriptors()
        assert [len(watched.scan()) for _ in range(5)] == [1] * 5
        assert watched.open == 1
        assert descriptors() == before


def test_close_unused_ends_only_connections_that_sent_nothing(listening: socket.socket) -> None:
    address = listening.getsockname()
    with (
        socket.create_connection(address) as silent,
        listening.accept()[0],
        socket.create_connection(address) as used,
        listening.accept()[0] as accepted,
    ):
        used.sendall(b"a")
        assert accepted.recv(1) == b"a"
        connections(listening).close_unused()
        assert silent.recv(1) == b""
        used.sendall(b"b")
        assert accepted.recv(1) == b"b"
