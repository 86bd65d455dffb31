"""`mostread status` of a running system, complete and with parts unavailable."""

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

from mostread.ops.inspection.clients import SystemClients
from mostread.ops.status.collect import collect
from mostread.ops.status.parts import (
    CollectorStatus,
    CountingStatus,
    GroupStatus,
    ListStatus,
    SystemStatus,
    TopicStatus,
    UnavailablePart,
)
from tests.support.servers import free_ports
from tests.support.system import System, send, wait_until


def status(services: Mapping[str, str]) -> SystemStatus:
    clients = SystemClients(services=services, seconds=20)
    collected = collect(clients, "default", "24h", 40)
    clients.close()
    return collected


def test_status_of_running_system_and_with_parts_unavailable(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in system.environment.items():
        monkeypatch.setenv(name, value)
    aggregator, collector, ranking = (
        system.service(name) for name in ("aggregator", "collector", "ranking")
    )
    for service in (aggregator, collector, ranking):
        service.wait_ready()
    services = {service.name: service.url for service in (collector, ranking)}
    send(collector, 40)
    wait_until(
        lambda: is_counted(status(services), 40), "all events are counted and some articles listed"
    )
    expect_complete(system, status(services), collector.url)

    aggregator.stop()
    send(collector, 100)
    group = status(services).aggregators
    lag = sum(len(log) for log in system.log().values()) - system.counted()
    assert isinstance(group, GroupStatus)
    assert (group.aggregators, group.unassigned) == ((), (0, 1, 2, 3))
    assert group.lag == lag > 0

    (unused_port,) = free_ports(1)
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_URL", f"http://127.0.0.1:{unused_port}")
    current = status(services)
    assert isinstance(current.clickhouse, UnavailablePart)
    assert isinstance(current.aggregators, GroupStatus)
    # Offsets committed to Kafka equal the checkpoints in ClickHouse.
    assert current.aggregators.lag == lag

    monkeypatch.setenv("MOSTREAD_KAFKA_BROKERS", f"127.0.0.1:{unused_port}")
    current = status({**services, "ranking": f"http://127.0.0.1:{unused_port}"})
    assert isinstance(current.kafka, UnavailablePart)
    assert "no Kafka broker responds" in current.kafka.reason
    assert isinstance(current.ranking, UnavailablePart)
    assert isinstance(current.collectors[0], CollectorStatus)
    expect_command(collector.url)


def is_counted(current: SystemStatus, number: int) -> bool:
    counting, listed = current.clickhouse, current.ranking
    complete = isinstance(counting, CountingStatus) and counting.received == number
    return complete and isinstance(listed, ListStatus) and len(listed.top) == 3


def expect_complete(system: System, current: SystemStatus, collector: str) -> None:
    assert current.collectors == (CollectorStatus(collector, "", 40),)
    assert isinstance(current.kafka, TopicStatus)
    assert current.kafka.retained == sum(len(log) for log in system.log().values())
    assert isinstance(current.aggregators, GroupStatus)
    (member,) = current.aggregators.aggregators
    assert (member.partitions, member.lag) == ((0, 1, 2, 3), 0)
    assert current.aggregators.unassigned == ()
    assert isinstance(current.clickhouse, CountingStatus)
    assert (current.clickhouse.received, current.clickhouse.counted) == (40, 40)
    assert current.clickhouse.rows >= 120
    assert isinstance(current.ranking, ListStatus)
    assert [(a.rank, a.views) for a in current.ranking.top] == [(1, 1), (2, 1), (3, 1)]


def expect_command(collector: str) -> None:
    """The command exits with 1 while all parts but the collector are unavailable."""
    command = ["mostread", "status", "--data=/nowhere", "--json", f"--collector={collector}"]
    shown = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=60
    )
    assert (shown.returncode, shown.stderr) == (1, "")
    document = json.loads(shown.stdout)
    assert document["collectors"][0]["accepted"] == 140
    assert document["per_second"]["accepted"] == 0
    assert "connection refused" in document["kafka"]["reason"]
