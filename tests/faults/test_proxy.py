"""The proxy does to a connection what the faults say of it."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults.proxy import Proxy, Spring
from tests.support.servers import free_ports


def echo(server: socket.socket) -> None:
    """Answer each connection with what it says, in a thread of its own."""

    def serve(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            while data := connection.recv(4096):
                connection.sendall(data)

    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy before a server that echoes."""
    target, port = free_ports(2)
    server = socket.create_server(("127.0.0.1", target))
    threading.Thread(target=echo, args=(server,), daemon=True).start()
    proxy = Proxy(port, target)
    proxy.start()
    yield proxy
    proxy.stop()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as client:
        yield client


def asked(client: socket.socket, text: bytes) -> bytes:
    """Return what is answered to `text`, nothing if the connection was cut."""
    try:
        client.sendall(text)
        return client.recv(4096)
    except ConnectionError:
        return b""


def test_proxy_forwards_everything(client: socket.socket) -> None:
    assert asked(client, b"one") == b"one"


def test_cut_ends_open_connections_and_accepts_new_ones(
    proxy: Proxy, client: socket.socket
) -> None:
    assert asked(client, b"one") == b"one"
    proxy.cut()
    assert asked(client, b"two") == b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as another:
        assert asked(another, b"three") == b"three"


def test_refuse_ends_new_connections_too(proxy: Proxy, client: socket.socket) -> None:
    proxy.refuse()
    assert asked(client, b"one") == b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as another:
        assert asked(another, b"two") == b""


def test_held_bytes_are_forwarded_after_stall(proxy: Proxy, client: socket.socket) -> None:
    proxy.stall()
    client.sendall(b"one")
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(10)
    client.settimeout(20)
    proxy.pass_on()
    assert client.recv(10) == b"one"


def test_slow_limits_bandwidth(proxy: Proxy, client: socket.socket) -> None:
    proxy.slow(10_000)
    began = time.monotonic()
    assert asked(client, bytes(3000)) != b""
    assert time.monotonic() - began >= 0.3


def test_trap_drops_response_given_number_of_times(proxy: Proxy, client: socket.socket) -> None:
    trap = proxy.trap(re.escape(b"insert"), Spring.LOSE_ANSWER)
    assert asked(client, b"other") == b"other"
    assert asked(client, b"an insert") == b""
    assert trap.sprung.is_set()
    assert trap.answered.wait(5)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as another:
        assert asked(another, b"an insert") == b"an insert"


def test_trap_cuts_request_in_the_middle(proxy: Proxy, client: socket.socket) -> None:
    trap = proxy.trap(b"insert", Spring.CUT_REQUEST)
    assert len(asked(client, b"insert" * 100)) <= 300
    assert trap.sprung.wait(5)


def test_trap_matches_pattern_across_packets(proxy: Proxy, client: socket.socket) -> None:
    trap = proxy.trap(b"insert", Spring.TELL)
    assert asked(client, b"in") == b"in"
    assert asked(client, b"sert") == b"sert"
    assert trap.sprung.wait(5)


def test_held_response_never_arrives(proxy: Proxy, client: socket.socket) -> None:
    trap = proxy.trap(b"insert", Spring.HOLD_ANSWER)
    client.sendall(b"insert")
    assert trap.answered.wait(5)
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(10)
