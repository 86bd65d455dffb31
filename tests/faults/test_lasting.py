"""A lasting error stops the counting and is reported; nothing is skipped."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from tests.faults.clickhouse_faults import MORE_THAN_THERE_IS
from tests.faults.log import produce, produce_to
from tests.faults.verdict import against_recount
from tests.support.servers import running_clickhouse, running_kafka
from tests.support.system import Service, System, wait_until

SEEN_FAILING = 3
"""So often a call must have failed before the test believes that it is tried again and again."""

STOPPED = "mostread_aggregator_stopped_partitions"
VIEW = b'{"type":"view","article_id":"a"}'


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[LocalKafka, System]]:
    """A system on servers of its own, the broker among them."""
    with (
        running_kafka(tmp_path / "kafka") as kafka,
        running_clickhouse(tmp_path / "clickhouse") as clickhouse,
    ):
        system = System(kafka.brokers, clickhouse.url, "lasting", tmp_path)
        system.init(partitions=2)
        yield kafka, system
        system.end()


def retries(worker: Service, dependency: str) -> float:
    """Return the metric of the counting's retries of a dependency."""
    sample = f'mostread_aggregator_retries_total{{dependency="{dependency}",work="counting"}}'
    return worker.metric(sample)


def assert_reports(worker: Service, dependency: str, cause: str) -> None:
    """Check that /readyz, the log and the metric report `cause` while the worker retries."""
    wait_until(lambda: cause in worker.failing(), f"/readyz says {cause}")
    before = retries(worker, dependency)
    wait_until(lambda: retries(worker, dependency) >= before + SEEN_FAILING, "it retries")
    assert cause in worker.failing()
    lines = worker.log.read_text().splitlines()
    assert any('"dependency_failed"' in line and cause in line for line in lines)


@pytest.mark.parametrize("table", ["counter_versions", "checkpoint_versions"])
def test_missing_table_stops_counting_until_restored(system: System, table: str) -> None:
    worker = system.service("aggregator").wait_ready()
    produce(system, [("a", VIEW)] * 10)
    wait_until(lambda: system.counted() == 10, "the first are counted")
    with closing(connect(system.clickhouse)) as client:
        client.command(f"RENAME TABLE {table} TO elsewhere")
        produce(system, [("a", VIEW)] * 10)
        assert_reports(worker, "clickhouse", "a table is missing")
        client.command(f"RENAME TABLE elsewhere TO {table}")
    against_recount(system)
    worker.wait_ready()
    assert worker.stop() == 0


@pytest.mark.parametrize("table", ["counter_versions", "checkpoint_versions"])
def test_full_disk_stops_counting_until_space_is_free(system: System, table: str) -> None:
    worker = system.service("aggregator").wait_ready()
    produce(system, [("a", VIEW)] * 10)
    wait_until(lambda: system.counted() == 10, "the first are counted")
    setting = "min_free_disk_bytes_to_perform_insert"
    with closing(connect(system.clickhouse)) as client:
        client.command(f"ALTER TABLE {table} MODIFY SETTING {setting} = {MORE_THAN_THERE_IS}")
        produce(system, [("a", VIEW)] * 10)
        assert_reports(worker, "clickhouse", "free space")
        assert system.counted() == 10
        client.command(f"ALTER TABLE {table} RESET SETTING {setting}")
    against_recount(system)
    worker.wait_ready()
    assert worker.stop() == 0


def remove_records(kafka: LocalKafka, topic: str) -> None:
    """Remove the records of a stopped broker, as a lost disk would."""
    folder = kafka.data / "log" / f"{topic}-0"
    metadata = (folder / "partition.metadata").read_bytes()
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "partition.metadata").write_bytes(metadata)


def produce_views(system: System, partition: int, number: int) -> None:
    for _ in range(number):
        produce_to(system, partition, VIEW)


def test_partition_that_lost_counted_records_stops_alone(own: tuple[LocalKafka, System]) -> None:
    kafka, system = own
    worker = system.service("aggregator").wait_ready()
    for partition in (0, 1):
        produce_views(system, partition, 10)
    wait_until(lambda: system.counted() == 20, "all are counted")
    before = system.counters()[0]
    kafka.stop()
    remove_records(kafka, system.kafka.events_topic)
    kafka.start()
    stopped = f'{STOPPED}{{partition="0",topic="{system.kafka.events_topic}"}}'
    # The running worker notices, and restarts to recover each partition from its checkpoint.
    wait_until(lambda: is_ready_with(worker, stopped), "partition 0 has stopped")
    for partition in (0, 1):
        produce_views(system, partition, 3)
    wait_until(lambda: system.counted() == 23, "partition 1 is counted")
    assert "ends at offset 0, but 10 records of it are counted" in worker.log.read_text()
    assert worker.stop() == 0
    # The log has grown beyond the checkpoint, but with other records than those counted.
    produce_views(system, 0, 20)
    worker.start().wait_ready()
    wait_until(lambda: worker.metric(stopped) == 1, "partition 0 has stopped again")
    assert "below offset 10 that are newer than those counted" in worker.log.read_text()
    produce_views(system, 1, 3)
    wait_until(lambda: system.counted() == 26, "partition 1 is counted")
    assert system.counters()[0] == before
    environment = {**system.environment, "MOSTREAD_RANKING_STALE_AFTER_SECONDS": "1"}
    output = run_mostread(environment, "doctor")
    assert "below offset 10 that are newer than those counted" in output
    assert "stopped, see `mostread doctor`: partition 0" in run_mostread(environment, "status")
    assert worker.stop() == 0


def is_ready_with(worker: Service, gauge: str) -> bool:
    """Return whether the worker is ready and reports 1 for the gauge."""
    return worker.is_ready() and worker.samples().get(gauge) == 1


def run_mostread(environment: dict[str, str], command: str) -> str:
    """Return the output of a command, in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "mostread", command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return " ".join(done.stdout.split())
