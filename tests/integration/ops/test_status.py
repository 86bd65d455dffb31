"""`mostread status` on the real way, whole and with parts away."""

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

from mostread.ops.inspection.clients import Way
from mostread.ops.status.collect import Away, Collector, Counted, Log, Ranked, Seen, Workers, look
from tests.support.servers import free_ports
from tests.support.system import System, send, wait_until


def seen(services: Mapping[str, str]) -> Seen:
    way = Way(services=services, seconds=20)
    found = look(way, "default", "24h", 40)
    way.close()
    return found


def test_the_way_whole_and_with_parts_away(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in system.environment.items():
        monkeypatch.setenv(name, value)
    aggregator, collector, ranking = (
        system.service(name) for name in ("aggregator", "collector", "ranking")
    )
    for service in (aggregator, collector, ranking):
        service.wait_ready()
    services = {service.name: service.url for service in (collector, ranking)}
    send(collector, 40)
    wait_until(lambda: is_counted(seen(services), 40), "all of it is counted and some listed")
    expect_whole(system, seen(services), collector.url)

    aggregator.stop()
    send(collector, 100)
    alone = seen(services).workers
    waiting = sum(len(log) for log in system.log().values()) - system.counted()
    assert isinstance(alone, Workers)
    assert (alone.workers, alone.orphans) == ((), (0, 1, 2, 3))
    assert alone.waiting == waiting > 0

    (nobody,) = free_ports(1)
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_URL", f"http://127.0.0.1:{nobody}")
    blind = seen(services)
    assert isinstance(blind.counted, Away)
    assert isinstance(blind.workers, Workers)
    # The group has committed what is in ClickHouse, and so tells what waits.
    assert blind.workers.waiting == waiting

    monkeypatch.setenv("MOSTREAD_KAFKA_BROKERS", f"127.0.0.1:{nobody}")
    dark = seen({**services, "ranking": f"http://127.0.0.1:{nobody}"})
    assert isinstance(dark.log, Away)
    assert "no Kafka broker answers" in dark.log.why
    assert isinstance(dark.ranked, Away)
    assert isinstance(dark.collectors[0], Collector)
    expect_command(collector.url)


def is_counted(found: Seen, number: int) -> bool:
    counted, ranked = found.counted, found.ranked
    all_of_it = isinstance(counted, Counted) and counted.received == number
    return all_of_it and isinstance(ranked, Ranked) and len(ranked.top) == 3


def expect_whole(system: System, whole: Seen, collector: str) -> None:
    assert whole.collectors == (Collector(collector, "", 40),)
    assert isinstance(whole.log, Log)
    assert whole.log.records == sum(len(log) for log in system.log().values())
    assert isinstance(whole.workers, Workers)
    (worker,) = whole.workers.workers
    assert (worker.partitions, worker.waiting) == ((0, 1, 2, 3), 0)
    assert whole.workers.orphans == ()
    assert isinstance(whole.counted, Counted)
    assert (whole.counted.received, whole.counted.counted) == (40, 40)
    assert whole.counted.rows >= 120
    assert isinstance(whole.ranked, Ranked)
    assert [(row.rank, row.views) for row in whole.ranked.top] == [(1, 1), (2, 1), (3, 1)]


def expect_command(collector: str) -> None:
    """With all but the collector away it says so, and its exit code does."""
    command = ["mostread", "status", "--data=/nowhere", "--json", f"--collector={collector}"]
    shown = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=60
    )
    assert (shown.returncode, shown.stderr) == (1, "")
    told = json.loads(shown.stdout)
    assert told["collectors"][0]["accepted"] == 140
    assert told["per_second"]["accepted"] == 0
    assert "connection refused" in told["log"]["why"]
