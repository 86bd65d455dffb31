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

# Below the range that the kernel hands out by itself, so that no connection slips in between;
# by chance, so that two test runs on one machine do not meet.
_PORTS = range(10_000, 32_000)
_chance = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now, all different."""
    ports: list[int] = []
    for port in _chance.sample(_PORTS, k=200):
        with suppress(OSError), socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(("127.0.0.1", port))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError("no free ports")


@contextmanager
def running_kafka(data: Path, *ports: int, jit: bool = False) -> Iterator[LocalKafka]:
    """A broker of one's own: `.brokers`, `.kill()`, `.stop()`, `.start()` (on the same port).

    `ports`, if given, are its own, its controller's, and the one that it tells clients.
    """
    server = LocalKafka(data, *(ports or free_ports(2)), jit=jit)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def running_clickhouse(data: Path, *ports: int) -> Iterator[LocalClickHouse]:
    """A server of one's own: `.url`, `.kill()`, `.stop()`, `.start()` (on the same port)."""
    server = LocalClickHouse(data, *(ports or free_ports(1)))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def connect(server: LocalClickHouse, database: str = "default") -> Client:
    """A client for one thread."""
    return clickhouse_connect.get_client(
        dsn=server.url, database=database, autogenerate_session_id=False
    )


def free_base() -> int:
    """The first of a row of ports that nobody listens on, for `mostread up --ports`."""
    for base in _chance.sample(_PORTS[::10], k=100):
        with suppress(Misconfigured):
            check_free(("a test", base + offset) for offset in range(10))
            return base
    raise AssertionError("no row of ten ports is free")
