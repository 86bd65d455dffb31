"""Accepted connections that are closed by their silence, and the limit of open files."""

import asyncio
import fcntl
import resource
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from mostread.infra.http import connections
from mostread.infra.http.backlog import StreamBacklog
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.connections import (
    CloseReason,
    Connections,
    Endpoint,
    listener,
    raise_nofile_limit,
)
from mostread.infra.http.server import granian_options

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel's view of sockets is that of Linux"
)


@pytest.fixture
def hard() -> Iterator[int]:
    """The hard limit; the soft limit is half of it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("there is no limit here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def soft() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_limit_rises_to_wanted_value(hard: int) -> None:
    assert raise_nofile_limit(hard - 1) == hard - 1 == soft()


def test_limit_stops_at_hard_limit(hard: int) -> None:
    assert raise_nofile_limit(hard + 1) == hard == soft()


def test_limit_above_wanted_value_is_unchanged(hard: int) -> None:
    assert raise_nofile_limit(10) == 10
    assert soft() == hard // 2


def test_few_files_lower_the_limit_of_connections_for_granian(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "raise_nofile_limit", lambda _: 500)
    assert granian_options(ServiceSettings())["backpressure"] == 400


class Peers:
    """Connections to a listening socket of this process, and their accepted ends."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        endpoint = Endpoint("127.0.0.1", 0, "")
        self._listening = stack.enter_context(listener(endpoint, ServiceSettings()))
        self.port = self._listening.getsockname()[1]
        self.accepted: list[socket.socket] = []
        self.closed: list[CloseReason] = []

    def connect(self) -> socket.socket:
        """Return the client's end of a new connection, which has not sent anything."""
        client = self._stack.enter_context(socket.create_connection(("127.0.0.1", self.port)))
        client.setblocking(False)
        accepted, _ = self._listening.accept()
        self.accepted.append(self._stack.enter_context(accepted))
        return client

    def connections(self, max_request_seconds: float = 0, **settings: float) -> Connections:
        changed = ServiceSettings().model_copy(update=settings)
        return Connections(self.port, changed, max_request_seconds, self.closed.append)


@pytest.fixture
def peers() -> Iterator[Peers]:
    with ExitStack() as stack:
        yield Peers(stack)


def is_open(client: socket.socket) -> bool:
    """Return whether the other end has not closed the connection."""
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True


@asynccontextmanager
async def sweeping(swept: Connections) -> AsyncIterator[None]:
    task = asyncio.create_task(swept.sweep(StreamBacklog()))
    yield
    task.cancel()
    await asyncio.wait({task})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(connections, "_SWEEPS_PER_SCAN", 1)


async def keep_sending(client: socket.socket) -> None:
    while True:
        client.send(b"x")
        await asyncio.sleep(0.01)


@pytest.mark.usefixtures("quick")
async def test_sweep_closes_connections_that_are_silent_too_long(peers: Peers) -> None:
    silent, busy = peers.connect(), peers.connect()
    sending = asyncio.create_task(keep_sending(busy))
    async with sweeping(peers.connections(0.3, http_client_timeout_seconds=0.3)):
        while is_open(silent):  # noqa: ASYNC110  up to the time limit of the test
            await asyncio.sleep(0.01)
    sending.cancel()

    assert is_open(busy)
    assert peers.closed[0] is CloseReason.TIMEOUT


@pytest.mark.usefixtures("quick")
async def test_sweep_leaves_silent_connections_while_limit_is_far(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_MIN_IDLE_SECONDS", 0.0)
    client = peers.connect()
    async with sweeping(peers.connections()):
        await asyncio.sleep(0.2)

    assert is_open(client)
    assert peers.closed == []


async def test_sweep_evicts_the_longest_silent_near_the_limit(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_MIN_IDLE_SECONDS", 0.1)
    monkeypatch.setattr(connections, "_SWEEP_SECONDS", 0.3)
    clients = []
    for _ in range(3):
        clients.append(peers.connect())
        await asyncio.sleep(0.05)
    clients.append(peers.connect())
    await asyncio.sleep(0.2)
    clients[0].send(b"x")  # so that the next two have been silent longest
    # This process has more open files than 10, and evicts a tenth of them and one more.
    async with sweeping(peers.connections(http_max_connections=10)):
        while not peers.closed:  # noqa: ASYNC110  up to the time limit of the test
            await asyncio.sleep(0.01)

    assert [is_open(client) for client in clients] == [True, False, False, True]
    assert peers.closed == [CloseReason.MAX_CONNECTIONS] * 2


@pytest.mark.usefixtures("quick")
async def test_connections_that_were_active_a_moment_ago_are_not_evicted(peers: Peers) -> None:
    clients = [peers.connect() for _ in range(3)]
    async with sweeping(peers.connections(http_max_connections=10)):
        await asyncio.sleep(0.2)

    assert all(is_open(client) for client in clients)


def test_limit_leaves_files_for_other_purposes(peers: Peers, hard: int) -> None:
    assert peers.connections(http_max_connections=hard).limit == hard - 100
    assert peers.connections(http_max_connections=10).limit == 10


def test_accepted_socket_times_out_clients_that_do_not_read(peers: Peers) -> None:
    peers.connect()
    milliseconds = ServiceSettings().http_client_timeout_seconds * 1000
    (end,) = peers.accepted
    assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == milliseconds
    assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_scan_of_connections_keeps_the_locks_of_files(peers: Peers, tmp_path: Path) -> None:
    file = tmp_path / "database"
    code = f"import fcntl; fcntl.lockf(open({str(file)!r}, 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with file.open("w") as locked:
        fcntl.lockf(locked, fcntl.LOCK_EX)
        peers.connections().close_unused()
        second = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
        )
    assert "BlockingIOError" in second.stderr
