"""The real Kafka and the real ClickHouse, started once a test run and only if a test asks.

They are shared: a test uses a topic and a database of its own name. One that kills a server
starts it again before it ends.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from tests.support.servers import running_clickhouse, running_kafka
from tests.support.system import System


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """Apache Kafka; `.brokers` is its address."""
    with running_kafka(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClickHouse]:
    """ClickHouse; `.url` is its address."""
    with running_clickhouse(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server


@pytest.fixture
def system(
    kafka: LocalKafka, clickhouse: LocalClickHouse, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[System]:
    """Topics and a database of the test's own, and a place to start services on them."""
    name = re.sub(r"\W+", "_", request.node.name)[:40] + f"_{uuid4().hex[:6]}"
    system = System(kafka.brokers, clickhouse.url, name, tmp_path)
    system.init()
    yield system
    system.end()
