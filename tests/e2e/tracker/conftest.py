"""The whole system, a publisher's site and a browser, once for all tests here."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from browser import driven
from mostread.local.clickhouse import LocalClickHouse
from mostread.local.kafka import LocalKafka
from newspaper import newspaper
from publisher import Publisher
from system import System


@pytest.fixture(scope="package")
def publisher(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Publisher]:
    directory = tmp_path_factory.mktemp("tracker")
    system = System(kafka.brokers, clickhouse.url, f"tracker_{uuid4().hex[:8]}", directory)
    system.init(partitions=1)
    try:
        services = [system.service(name) for name in ("collector", "aggregator", "ranking")]
        for service in services:
            service.wait_ready()
        with newspaper() as site:
            hosts = {"news.example": site.port, "collect.example": services[0].port}
            with driven(hosts) as browser:
                yield Publisher(site, system, browser)
    finally:
        system.end()
