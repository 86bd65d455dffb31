"""Kafka and ClickHouse, started once per test process and only if a test needs them.

All tests of the process share them: each uses topics and a database of its own name. A test
that kills a server starts it again before it ends.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from mostread.devstack.servers import base
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from tests.support.servers import running_clickhouse, running_kafka
from tests.support.system import System

# The brokers of tests live for seconds to minutes: the optimizing compiler would take as much
# processor time as the broker itself.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")

# A loaded machine starts a broker with TLS in minutes.
base.START_TIMEOUT = 240.0

# `make test-fast` chooses "fast".
settings.register_profile("fast", deadline=None, max_examples=25)
settings.register_profile("usual", deadline=None, max_examples=100)
settings.load_profile("usual")

LONGEST_FILES = (
    "tests/e2e/test_demo.py",
    "tests/faults/",
    "tests/integration/aggregator/",
    "tests/integration/ops/",
    "tests/integration/devstack/",
    "tests/integration/",
    "tests/e2e/",
    "tests/abuse/",
    "tests/contract/",
)
"""In the order in which they start, so that no worker is left with a long file at the end."""


MARKS = {
    "kafka": {"kafka", "secure_kafka"},
    "clickhouse": {"clickhouse", "secure_clickhouse"},
    "browser": {"browser", "publisher"},
}
"""Markers, each with the fixtures that imply it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their servers, and put long files first; the order within a file stays."""
    for item in items:
        for mark, fixtures in MARKS.items():
            if fixtures & set(getattr(item, "fixturenames", ())):
                item.add_marker(mark)

    def rank(item: pytest.Item) -> int:
        return next(
            (n for n, path in enumerate(LONGEST_FILES) if item.nodeid.startswith(path)),
            len(LONGEST_FILES),
        )

    items.sort(key=rank)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument and position, since compressed ones contain the time.

    Processes that run tests in parallel must agree on the names.
    """
    return argname if isinstance(val, bytes) else None


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
    """Topics and a database of the test's own, and services on them."""
    name = re.sub(r"\W+", "_", request.node.name)[:40] + f"_{uuid4().hex[:6]}"
    system = System(kafka.brokers, clickhouse.url, name, tmp_path)
    system.init()
    yield system
    system.end()
