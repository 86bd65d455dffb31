"""Free ports, and the servers of the tests."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from mostread.devstack.ports import check_free
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.errors import Misconfigured

# Below the kernel's ephemeral ports, so that no connection takes one in between. Random, so that
# two test runs on one machine do not collide.
_PORTS = range(10_000, 32_000)
_random = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """Return distinct free ports."""
    ports: list[int] = []
    for port in _random.sample(_PORTS, k=200):
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError("no free ports")


def is_open(port: int) -> bool:
    """Return whether something listens on a port of loopback."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def running_kafka(data: Path, *ports: int, jit: bool = False) -> Iterator[LocalKafka]:
    """Run a separate broker; `start` after `stop` or `kill` uses the same port.

    `ports` are those of the broker and its controller, and the advertised one.
    """
    server = LocalKafka(data, *(ports or free_ports(2)), jit=jit)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def running_clickhouse(data: Path, *ports: int) -> Iterator[LocalClickHouse]:
    """Run a separate server; `start` after `stop` or `kill` uses the same port."""
    server = LocalClickHouse(data, *(ports or free_ports(1)))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def connect(server: LocalClickHouse, database: str = "default") -> Client:
    """Return a client for one thread."""
    return clickhouse_connect.get_client(
        dsn=server.url, database=database, autogenerate_session_id=False
    )


def free_base() -> int:
    """Return the first of ten consecutive free ports, for `mostread up --ports`."""
    for base in _random.sample(_PORTS[::10], k=100):
        with suppress(Misconfigured):
            check_free(("a test", base + offset) for offset in range(10))
            return base
    raise AssertionError("no ten consecutive ports are free")
