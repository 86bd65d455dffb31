"""Collectors under attack, and checks that well-behaved clients notice nothing."""

import urllib.request
from collections.abc import Callable, Iterator

import pytest

from mostread.devstack.servers.kafka import LocalKafka
from tests.abuse.raw import Raw
from tests.support.collector import Collecting, collecting


@pytest.fixture(scope="package")
def ordinary(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    """A collector with default settings."""
    with collecting(kafka.brokers, tmp_path_factory.mktemp("ordinary")) as collector:
        yield collector


@pytest.fixture(scope="package")
def strict_collector(
    kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collecting]:
    """A collector with low limits."""
    with collecting(
        kafka.brokers,
        tmp_path_factory.mktemp("strict"),
        web={
            "max_connections": "100",
            "client_timeout_seconds": "2",
            "max_buffered_bytes": str(4 << 20),
        },
    ) as collector:
        yield collector


@pytest.fixture
def raw(ordinary: Collecting) -> Iterator[Callable[[bytes], Raw]]:
    """Open a connection to the ordinary collector and send these bytes."""
    opened: list[Raw] = []

    def send(data: bytes) -> Raw:
        opened.append(Raw(ordinary.service.port, data))
        return opened[-1]

    yield send
    for connection in opened:
        connection.close()


@pytest.fixture(autouse=True)
def nothing_broke(ordinary: Collecting, strict_collector: Collecting) -> Iterator[None]:
    """Check after each test that both collectors are ready and no request failed inside."""
    yield
    for collector in (ordinary, strict_collector):
        with urllib.request.urlopen(f"{collector.url}/readyz", timeout=30) as answer:
            assert answer.status == 200
        assert "request_failed" not in collector.service.log.read_text()
