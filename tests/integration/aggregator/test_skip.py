"""Batches that cannot be read: the partition waits alone, `mostread skip` lets it continue."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from itertools import count

import orjson
import pytest
from kafka import KafkaProducer

from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from tests.faults.verdict import audit
from tests.support.segments import change_magic, damage, fill_payload, flip_payload
from tests.support.system import Service, System, wait_until

STOPPED = "mostread_aggregator_stopped_partitions"
SKIPPED = 'mostread_aggregator_records_lost_total{reason="skipped"}'


def run(system: System, *arguments: str) -> tuple[int, str]:
    """Run a command of mostread; return its exit code and its output."""
    done = subprocess.run(
        [sys.executable, "-m", "mostread", *arguments],
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def skip(system: System, *arguments: str) -> tuple[int, str]:
    return run(system, "skip", system.kafka.events_topic, *arguments)


def write_batch(
    system: System, partition: int, ids: Sequence[str], codec: str | None = None
) -> int:
    """Write a view with each id as one batch, and return its first offset."""
    producer = KafkaProducer(
        bootstrap_servers=system.kafka.bootstrap_servers,
        linger_ms=1000,
        acks="all",
        compression_type=codec,
    )
    sent = [
        producer.send(
            system.kafka.events_topic,
            orjson.dumps({"type": "view", "article_id": "a", "id": each}),
            partition=partition,
        )
        for each in ids
    ]
    producer.flush()
    first = int(sent[0].get(30).offset)
    producer.close()
    return first


_ids = count()


def write(system: System, partition: int, number: int) -> int:
    """Write a number of views as one batch, and return its first offset."""
    return write_batch(system, partition, [str(next(_ids)) for _ in range(number)])


def rows(system: System, sql: str) -> list[tuple[int, ...]]:
    client = connect(system.clickhouse)
    result = client.query(sql).result_rows
    client.close()
    return [tuple(row) for row in result]


def progress(system: System) -> dict[int, tuple[int, ...]]:
    """Return the next offset, the lost and the counted records of each partition."""
    columns = "partition, next_offset, lost, counted"
    sql = f"SELECT {columns} FROM checkpoint_versions FINAL WHERE next_offset"
    return {row[0]: row[1:] for row in rows(system, sql)}


def totals(system: System) -> list[tuple[int, ...]]:
    return rows(
        system,
        "SELECT partition, toUnixTimestamp(window), sum(views) FROM counter_versions FINAL"
        " GROUP BY partition, grain, window ORDER BY ALL",
    )


def wait_progress(system: System, expected: dict[int, tuple[int, ...]]) -> None:
    wait_until(lambda: progress(system) == expected, f"{expected}, not {progress(system)}")


def wait_stopped(worker: Service) -> None:
    wait_until(lambda: worker.sum(STOPPED) == 1, "partition 0 has stopped")


@pytest.fixture
def stopped(system: System, kafka: LocalKafka, request: pytest.FixtureRequest) -> Service:
    """A worker whose partition 0 has stopped at offset 5, before a batch of three and others.

    The parameter is its transport.
    """
    transport = getattr(request, "param", "fast")
    worker = system.service("aggregator", MOSTREAD_AGGREGATOR_TRANSPORT=transport).wait_ready()
    write(system, 0, 5)
    wait_progress(system, {0: (5, 0, 5)})
    worker.kill()
    assert write(system, 0, 3) == 5
    write(system, 0, 2)
    damage(kafka, system.kafka.events_topic, 0, 5, flip_payload)
    worker.start().wait_ready()
    wait_stopped(worker)
    return worker


def test_stopped_partition_holds_up_no_other_and_continues_after_a_skip(
    system: System, stopped: Service
) -> None:
    ranking = system.service("ranking").wait_ready()
    write(system, 1, 4)
    wait_progress(system, {0: (5, 0, 5), 1: (4, 0, 4)})
    assert stopped.ready()

    def is_stale() -> bool:
        address = f"{ranking.url}/v1/most-read?window=1h"
        with urllib.request.urlopen(address, timeout=30) as response:
            return bool(json.loads(response.read())["stale"])

    wait_until(is_stale, "the list is stale, since partition 0 is not counted")
    output = run(system, "doctor")[1]
    assert "partition 0 has stopped at offset 5, which cannot be read: wrong checksum" in output
    assert f"`mostread skip {system.kafka.events_topic} 0 5`" in " ".join(output.split())
    assert "start another one" not in output
    assert "stopped, see `mostread doctor`: partition 0" in run(system, "status")[1]
    code, output = skip(system, "0", "6", "--yes", "--reason", "disk of broker 2")
    assert code == 0, output
    assert "offsets 5 to 7 cannot be read (disk of broker 2)" in output
    assert re.search(r"at most 3 records, written after \S+Z and before \S+Z", output)
    wait_progress(system, {0: (10, 3, 7), 1: (4, 0, 4)})
    wait_until(lambda: stopped.metric(SKIPPED) == 3, "the loss is reported")
    assert stopped.sum(STOPPED) == 0
    wait_until(lambda: not is_stale(), "the list is fresh")
    code, output = audit(system)
    assert code == 0, output
    assert "offsets 5 to 7 were skipped by the operator (disk of broker 2)" in output
    assert "offsets 5 to 7, by the operator" in run(system, "skip", "--list")[1]
    before = totals(system)
    code, output = run(system, "rebuild")
    assert code == 0, output
    assert totals(system) == before
    wait_progress(system, {0: (10, 3, 7), 1: (4, 0, 4)})
    write(system, 0, 2)
    wait_progress(system, {0: (12, 3, 9), 1: (4, 0, 4)})
    assert audit(system)[0] == 0


@pytest.mark.parametrize("stopped", ["fast", "stock"], indirect=True)
def test_worker_killed_at_each_stage_counts_the_skip_once(system: System, stopped: Service) -> None:
    for _ in range(2):
        stopped.kill()
        stopped.start().wait_ready()
        wait_stopped(stopped)
    assert skip(system, "0", "5", "--yes")[0] == 0
    stopped.kill()
    stopped.start().wait_ready()
    wait_progress(system, {0: (10, 3, 7)})
    stopped.kill()
    write(system, 0, 2)
    stopped.start()
    wait_progress(system, {0: (12, 3, 9)})
    code, output = audit(system)
    assert code == 0, output


def test_skipped_batch_that_can_be_read_again_is_not_counted(
    system: System, stopped: Service, kafka: LocalKafka
) -> None:
    stopped.kill()
    assert skip(system, "0", "5", "--yes")[0] == 0
    damage(kafka, system.kafka.events_topic, 0, 5, flip_payload)  # the other way round
    # The checkpoint before the range is lost, too, so that records before it are read as well.
    client = connect(system.clickhouse)
    for table in ("checkpoint_versions", "counter_versions"):
        client.command(f"DELETE FROM {table} WHERE 1")
    client.close()
    stopped.start()
    wait_progress(system, {0: (10, 3, 7)})
    code, output = audit(system)
    assert code == 0, output


def test_batch_that_can_be_read_again_is_counted(
    system: System, stopped: Service, kafka: LocalKafka
) -> None:
    damage(kafka, system.kafka.events_topic, 0, 5, flip_payload)  # the other way round
    wait_progress(system, {0: (10, 0, 10)})
    assert audit(system)[0] == 0


def test_counted_batch_that_is_needed_for_its_ids_can_be_skipped(
    system: System, kafka: LocalKafka
) -> None:
    worker = system.service("aggregator").wait_ready()
    ids = [str(next(_ids)) for _ in range(9)]
    write_batch(system, 0, ids[:2], "gzip")
    write_batch(system, 0, ids[2:])
    write(system, 1, 1)
    wait_progress(system, {0: (9, 0, 9), 1: (1, 0, 1)})
    worker.kill()
    # The broker cannot look up a time in this batch, either.
    damage(kafka, system.kafka.events_topic, 0, 0, fill_payload)
    write_batch(system, 0, ids[2:6])
    worker.start().wait_ready()
    wait_stopped(worker)
    write(system, 1, 1)
    wait_progress(system, {0: (9, 0, 9), 1: (2, 0, 2)})
    code, output = skip(system, "0", "1", "--yes")
    assert code == 0, output
    assert "2 of the offsets are counted and stay so" in output
    assert "lost" not in output
    # The ids behind the skipped batch are known.
    wait_progress(system, {0: (13, 0, 9), 1: (2, 0, 2)})
    code, output = audit(system)
    assert code == 0, output
    assert "Kafka has all of it from offset 2 on" in output
    # The time is that of the skipped batch, which the broker cannot look up.
    code, output = run(system, "audit", "--since", "30m")
    assert code == 0, output
    assert run(system, "rebuild")[0] == 0
    wait_progress(system, {0: (13, 0, 9), 1: (2, 0, 2)})
    assert audit(system)[0] == 0


def test_worker_skips_by_itself_after_the_configured_time(system: System, stopped: Service) -> None:
    stopped.kill()
    stopped.start(MOSTREAD_AGGREGATOR_SKIP_AFTER="1").wait_ready()
    wait_progress(system, {0: (10, 3, 7)})
    code, output = audit(system)
    assert code == 0, output
    assert "offsets 5 to 7 were skipped by the aggregator (wrong checksum)" in output


def test_batch_without_a_usable_header_needs_its_last_offset(
    system: System, stopped: Service, kafka: LocalKafka
) -> None:
    damage(kafka, system.kafka.events_topic, 0, 5, change_magic(7))
    stopped.kill()
    stopped.start(MOSTREAD_AGGREGATOR_SKIP_AFTER="1").wait_ready()
    wait_until(lambda: '"event":"cannot_skip"' in stopped.log.read_text(), "the log has the reason")
    assert "give the last offset to lose, --to LAST" in skip(system, "0", "5", "--yes")[1]
    assert "offset 8" in skip(system, "0", "5", "--to", "8", "--yes")[1]
    assert "offset 5 cannot be read either" in skip(system, "0", "6", "--to", "7", "--yes")[1]
    code, output = skip(system, "0", "5", "--to", "7", "--yes")
    assert code == 0, output
    wait_progress(system, {0: (10, 3, 7)})
    assert audit(system)[0] == 0


REFUSED: list[tuple[list[str], str]] = [
    (["0", "4", "--yes"], "offset 4 of {topic}/0 can be read; only what cannot be read may"),
    (["0", "5", "--to", "8", "--yes"], "offset 8 of {topic}/0 can be read"),
    (["0", "10", "--yes"], "{topic}/0 has no offset 10; give one from 0 on, below 10"),
    (["0", "5", "--to", "99"], "{topic}/0 has no offset 99"),
    (["9", "0"], "{topic} has no partition 9; give one of 0 to 3"),
    (["0", "5", "--to", "4"], "--to 4 is before OFFSET 5"),
    (["0", "5"], "Aborted!"),
    (["0"], "give TOPIC PARTITION OFFSET, or --list"),
    (["0", "5", "--list"], "give either --list or TOPIC PARTITION OFFSET"),
]


def test_skip_refuses_whatever_can_be_read_and_records_nothing(
    system: System, stopped: Service
) -> None:
    for arguments, message in REFUSED:
        code, output = skip(system, *arguments)
        assert code != 0
        assert message.format(topic=system.kafka.events_topic) in output
    assert rows(system, "SELECT * FROM skipped_ranges") == []


def test_skip_refuses_a_topic_that_no_worker_reads(system: System) -> None:
    code, output = run(system, "skip", system.kafka.dead_letters_topic, "0", "0")
    assert code == 1
    assert f"give {system.kafka.events_topic} or {system.kafka.articles_topic}" in output
