"""A lasting error stops the counting and is reported; nothing is skipped."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from tests.faults.clickhouse_faults import MORE_THAN_THERE_IS
from tests.faults.log import produce
from tests.faults.verdict import against_recount
from tests.support.servers import running_clickhouse, running_kafka
from tests.support.system import Service, System, wait_until

SEEN_FAILING = 3
"""So often a call must have failed before the test believes that it is tried again and again."""

VIEW = b'{"type":"view","article_id":"a"}'


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[LocalKafka, System]]:
    """A system on servers of its own, the broker among them."""
    with (
        running_kafka(tmp_path / "kafka") as kafka,
        running_clickhouse(tmp_path / "clickhouse") as clickhouse,
    ):
        system = System(kafka.brokers, clickhouse.url, "lasting", tmp_path)
        system.init(partitions=1)
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


@pytest.mark.parametrize("table", ["counters", "checkpoints"])
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


@pytest.mark.parametrize("table", ["counters", "checkpoints"])
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


def test_log_that_ends_before_checkpoint_stops_counting(own: tuple[LocalKafka, System]) -> None:
    kafka, system = own
    worker = system.service("aggregator").wait_ready()
    produce(system, [("a", VIEW)] * 10)
    wait_until(lambda: system.counted() == 10, "all are counted")
    assert worker.stop() == 0
    before = system.counters()
    kafka.stop()
    remove_records(kafka, system.kafka.events_topic)
    kafka.start()
    produce(system, [("a", VIEW)] * 3)
    worker.start()
    assert_reports(worker, "kafka", "Kafka has lost acknowledged records")
    assert system.counters() == before
    assert system.counted() == 10
    assert worker.stop() == 0
