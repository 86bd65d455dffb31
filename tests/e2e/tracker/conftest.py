"""One system and one publisher site for all tests here, and one browser per file."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from tests.support.browser import driven
from tests.support.newspaper import Newspaper, newspaper
from tests.support.publisher import Publisher, hosts
from tests.support.system import System


@pytest.fixture(scope="package")
def counting(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("tracker")
    system = System(kafka.brokers, clickhouse.url, f"tracker_{uuid4().hex[:8]}", directory)
    system.init(partitions=1)
    try:
        services = [system.service(name) for name in ("collector", "aggregator", "ranking")]
        for service in services:
            service.wait_ready()
        yield system
    finally:
        system.end()


@pytest.fixture(scope="package")
def site() -> Iterator[Newspaper]:
    with newspaper() as site:
        yield site


# Playwright occupies this thread's event loop while it runs, so it runs for one file at a time.
@pytest.fixture(scope="module")
def publisher(counting: System, site: Newspaper) -> Iterator[Publisher]:
    with driven(hosts(site, counting)) as browser:
        yield Publisher(site, counting, browser)
