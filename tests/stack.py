"""Free ports and the real servers that the tests run on."""

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from mostread.errors import Misconfigured
from mostread.local.clickhouse import LocalClickHouse
from mostread.local.kafka import LocalKafka
from mostread.local.ports import check_free


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def running_kafka(data: Path) -> Iterator[LocalKafka]:
    """A broker of one's own: `.brokers`, `.kill()`, `.stop()`, `.start()` (on the same port)."""
    port, controller_port = free_ports(2)
    server = LocalKafka(data, port, controller_port)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def running_clickhouse(data: Path) -> Iterator[LocalClickHouse]:
    """A server of one's own: `.url`, `.kill()`, `.stop()`, `.start()` (on the same port)."""
    server = LocalClickHouse(data, *free_ports(1))
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
    # Below the range that the kernel hands out by itself, so that nothing slips in between.
    for base in random.sample(range(10_000, 32_000, 10), k=100):
        with suppress(Misconfigured):
            check_free(("a test", base + offset) for offset in range(10))
            return base
    raise AssertionError("no row of ten ports is free")
