"""`mostread rebuild` while services run, on Kafka and ClickHouse."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from mostread.aggregator.config import AggregatorSettings
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.ops.rebuild.tables import RebuildTables
from tests.support.repeating import repeating
from tests.support.system import System, wait_until

MINUTE_MS = 60_000


def rebuild(system: System, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mostread", "rebuild", *options],
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def views(system: System, sql: str = "grain = 'total'") -> dict[str, int]:
    """Return the views of each article in the counters that match `sql`."""
    client = connect(system.clickhouse)
    rows = client.query(
        "SELECT article_id, sum(views) AS number FROM counter_versions FINAL"
        f" WHERE {sql} GROUP BY article_id HAVING number != 0"
    ).result_rows
    client.close()
    return dict(rows)


def view(system: System, name: str) -> dict[str, int]:
    """Return the views of each article in one of the views for analysts."""
    client = connect(system.clickhouse)
    rows = client.query(f"SELECT article_id, sum(views) FROM {name} GROUP BY article_id")
    client.close()
    return dict(rows.result_rows)


def command(system: System, *statements: str) -> None:
    client = connect(system.clickhouse)
    for statement in statements:
        client.command(statement)
    client.close()


class Readers:
    """Sends views of ten articles, as fast as one thread can."""

    def __init__(self, system: System) -> None:
        self.sent: dict[str, int] = {}
        self._topic = system.kafka.events_topic
        self._producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers)

    def read(self, chance: random.Random, timestamp: int | None = None, age: int = 0) -> None:
        """Send a view that is `age` ms older than its record's `timestamp` (ms)."""
        article = f"article-{chance.randrange(10)}"
        event: dict[str, object] = {"type": "view", "article_id": article}
        if timestamp is not None:
            event["timestamp"] = timestamp - age
        self.sent[article] = self.sent.get(article, 0) + 1
        self._producer.send(
            self._topic, key=article.encode(), value=orjson.dumps(event), timestamp_ms=timestamp
        )

    def flush(self) -> None:
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        chance = random.Random(2)
        try:
            with repeating(lambda: self.read(chance), pause=0.002):
                yield
        finally:
            self.flush()


@pytest.fixture
def readers(system: System) -> Iterator[Readers]:
    readers = Readers(system)
    yield readers
    readers.close()


def test_rebuild_corrects_counters_while_services_run(system: System, readers: Readers) -> None:
    worker = system.service("aggregator").wait_ready()
    assert worker.process is not None
    chance = random.Random(1)
    for _ in range(5_000):
        readers.read(chance)
    readers.flush()
    wait_until(lambda: system.counted() == 5_000, "the first events are counted")
    with readers.reading():
        command(
            system,
            "INSERT INTO counter_versions"
            " (site, grain, article_id, topic_id, partition, views, version)"
            " SELECT site, grain, article_id, topic_id, partition, 10, 1000000"
            " FROM counter_versions WHERE article_id = 'article-1' AND grain = 'total'",
            "DELETE FROM counter_versions WHERE article_id = 'article-2'",
        )
        # It writes rows of the old epoch when it resumes.
        stale = system.service("aggregator").wait_ready()
        assert stale.process is not None
        stale.process.send_signal(signal.SIGSTOP)
        done = rebuild(system)
        stale.process.send_signal(signal.SIGCONT)
        assert done.returncode == 0, done.stderr
    assert "counted" in done.stdout
    wait_until(lambda: system.counted() == sum(readers.sent.values()), "all events are counted")
    assert views(system) == readers.sent
    assert views(system, "grain = 'hour'") == readers.sent
    assert view(system, "totals") == view(system, "hours") == readers.sent
    assert worker.process.poll() is None
    received = [outcomes["received"] for outcomes in system.outcomes().values()]
    assert sum(received) == sum(readers.sent.values())
    assert worker.stop() == 0
    assert stale.stop() == 0


def test_rebuild_keeps_counters_of_removed_records(system: System, readers: Readers) -> None:
    with topics.admin(system.kafka) as admin:
        resource = ConfigResource(
            ConfigResourceType.TOPIC,
            system.kafka.events_topic,
            {"message.timestamp.type": "CreateTime"},
        )
        admin.alter_configs([resource])
    worker = system.service("aggregator").wait_ready()
    chance = random.Random(1)
    start = (time.time_ns() // 3_600_000_000_000 - 6) * 60 * MINUTE_MS
    for number in range(2_400):  # ten per minute for four hours, some of them late
        readers.read(
            chance, start + number * MINUTE_MS // 10, chance.choice([0, 0, 90 * MINUTE_MS])
        )
    readers.flush()
    wait_until(lambda: system.counted() == 2_400, "the first events are counted")
    before = views(system, "grain = 'hour'")
    partitions = [TopicPartition(system.kafka.events_topic, number) for number in range(4)]
    with topics.admin(system.kafka) as admin:
        admin.delete_records(dict.fromkeys(partitions, 100))
    outcomes = system.outcomes()
    command(
        system,
        "DELETE FROM counter_versions"
        f" WHERE grain = 'hour' AND window >= {start // 1000} + 3 * 3600",
    )
    assert views(system, "grain = 'hour'") != before
    for _ in range(500):
        readers.read(chance, start + 300 * MINUTE_MS)
    readers.flush()
    done = rebuild(system)
    assert done.returncode == 0, done.stderr
    assert "lacks its first records" in done.stdout
    for _ in range(100):
        readers.read(chance, start + 301 * MINUTE_MS)
    readers.flush()
    wait_until(lambda: system.counted() == 3_000, "the worker continues after the rebuild")
    assert views(system) == readers.sent
    assert views(system, "grain = 'hour'") == readers.sent
    assert views(system, "grain = 'minute'") == readers.sent
    received = {number: after["received"] for number, after in system.outcomes().items()}
    assert sum(received.values()) == 3_000
    assert all(received[number] >= before["received"] for number, before in outcomes.items())
    assert worker.stop() == 0


def test_rebuild_finishes_interrupted_exchange(system: System, readers: Readers) -> None:
    worker = system.service("aggregator").wait_ready()
    chance = random.Random(1)
    for _ in range(500):
        readers.read(chance)
    readers.flush()
    wait_until(lambda: system.counted() == 500, "the events are counted")
    tables = RebuildTables(AggregatorSettings(**system.clickhouse.model_dump()))
    tables.create()
    database = system.clickhouse.clickhouse_database
    command(
        system, f"EXCHANGE TABLES checkpoint_versions AND {database}_rebuild.checkpoint_versions"
    )
    tables.close()
    wait_until(lambda: "run it again" in worker.failing(), "the worker reports what it waits for")
    assert b"restarting" in worker.log.read_bytes()
    done = rebuild(system)
    assert done.stdout.startswith("finished"), done.stderr
    wait_until(lambda: system.counted() == 500, "the events are counted again")
    assert views(system) == readers.sent
    assert worker.stop() == 0


def test_concurrent_rebuild_is_refused(system: System) -> None:
    tables = RebuildTables(AggregatorSettings(**system.clickhouse.model_dump()))
    tables.create()
    tables.close()
    refused = rebuild(system)
    assert refused.returncode == 1
    assert "mostread rebuild --discard" in refused.stderr
    done = rebuild(system, "--discard")
    assert done.returncode == 0, done.stderr
