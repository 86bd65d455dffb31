"""`mostread audit` on Kafka and ClickHouse: no false differences, and every error found."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from kafka import KafkaProducer, TopicPartition

from mostread.cli.audit import audit
from mostread.core.counting.counters import week_start
from mostread.errors import KafkaUnavailable, Misconfigured
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.infra.kafka.reader import TopicReader
from tests.support.repeating import repeating
from tests.support.system import System, wait_until

NOW = int(time.time())
HOUR = 3600


def produce(
    system: System, events: Sequence[dict[str, object] | bytes], partition: int = 0
) -> None:
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers, acks="all")
    for event in events:
        value = event if isinstance(event, bytes) else orjson.dumps(event)
        producer.send(system.kafka.events_topic, value=value, partition=partition).get(30)
    producer.close()


def view(article: str, *, hours_ago: float = 0, **fields: object) -> dict[str, object]:
    timestamp = int((NOW - hours_ago * HOUR) * 1000)
    return {"type": "view", "article_id": article, "timestamp": timestamp, **fields}


def audited(system: System, *options: str) -> tuple[int, Any]:
    """Return the exit code and report of `mostread audit --json`."""
    ran = CliRunner().invoke(
        audit, ["--json", *options], env=system.environment, catch_exceptions=False
    )
    return ran.exit_code, orjson.loads(ran.stdout)


def printed(system: System, *options: str) -> tuple[int, str]:
    ran = CliRunner().invoke(audit, options, env=system.environment, catch_exceptions=False)
    return ran.exit_code, ran.output


def counted(system: System, records: int) -> None:
    """Run an aggregator until so many records are counted."""
    worker = system.service("aggregator").wait_ready()
    wait_until(lambda: system.counted() >= records, f"{records} records are counted")
    assert worker.stop() == 0


def clickhouse(system: System, statement: str) -> None:
    client = connect(system.clickhouse)
    client.command(statement)
    client.close()


@contextmanager
def traffic(system: System) -> Iterator[None]:
    """Send events to all partitions while the block runs."""
    numbers = count()

    def send() -> None:
        number = next(numbers)
        batch = b"\n".join(
            orjson.dumps(view(f"a{n % 7}", id=f"{number + n % 90}")) for n in range(100)
        )
        produce(system, [batch], number % 4)

    with repeating(send):
        yield


def test_audit_has_no_differences_while_events_are_counted(system: System) -> None:
    system.service("aggregator").wait_ready()
    with traffic(system):
        for round_number in range(4):
            before = system.counted()
            wait_until(lambda minimum=before: system.counted() > minimum, "more is counted")  # type: ignore[misc]
            code, report = audited(system)
            assert (code, report["differences"]) == (0, []), f"round {round_number}"
            assert sum(audit["counters_compared"] for audit in report["partitions"]) > 0


def test_uncounted_records_are_not_differences(system: System) -> None:
    produce(system, [view("a"), view("b")])
    code, output = printed(system)
    assert code == 0
    assert "not counted yet, and not a difference: 2 records" in output
    assert output.endswith("no differences\n")


def test_audit_finds_each_error(system: System) -> None:
    events = [view("a"), view("a"), view("b", hours_ago=3), view("c", id="x"), view("c", id="x")]
    produce(system, [*events, b"{"])
    counted(system, 6)
    assert audited(system)[0] == 0

    def expect(number: int, *words: str) -> None:
        code, output = printed(system)
        assert code == 1
        assert f"differences: {number}\n" in output, output
        for word in words:
            assert word in output, output

    clickhouse(system, "DELETE FROM counter_versions WHERE article_id = 'a' AND grain = 'total'")
    expect(1, "partition 0, site default, total, article 'a': log 2/0/0, ClickHouse 0/0/0")

    columns = (
        "site, grain, window, article_id, topic_id, partition, views, comments, likes, version"
    )
    clickhouse(
        system,
        f"INSERT INTO counter_versions ({columns}) SELECT site, grain, window, article_id,"
        " topic_id, partition, 9, 0, -1, version + 1 FROM counter_versions FINAL"
        " WHERE article_id = 'b' AND grain = 'hour'",
    )
    expect(2, "hour", "article 'b': log 1/0/0, ClickHouse 9/0/-1")

    clickhouse(
        system,
        f"INSERT INTO counter_versions ({columns}) SELECT site, grain, window, article_id,"
        " topic_id, partition, views, comments, likes, 1000 FROM counter_versions FINAL"
        " WHERE article_id = 'c' AND grain = 'hour'",
    )
    expect(3, "article 'c', version: log 5, ClickHouse 1000")

    clickhouse(
        system,
        f"INSERT INTO counter_versions ({columns}) SELECT 'ghost', 'total', toDateTime(0), 'g',"
        " topic_id, 17, 3, 0, 0, 1 FROM checkpoint_versions LIMIT 1",
    )
    expect(4, "partition 17, site ghost, total, article 'g': log 0/0/0, ClickHouse 3/0/0")

    clickhouse(
        system,
        "ALTER TABLE counter_versions DROP PARTITION "
        f"('minute', toStartOfDay(toDateTime({NOW - 3 * HOUR}, 'UTC')))",
    )
    code, report = audited(system)
    lost = {entry["article_id"] for entry in report["differences"] if entry["grain"] == "minute"}
    assert code == 1
    assert "b" in lost
    previous = report["difference_count"]

    columns_kept = "topic, topic_id, partition, partitions, record_time, watermark"
    outcomes = "received, counted, duplicate, late, dead_lettered"
    clickhouse(
        system,
        f"INSERT INTO checkpoint_versions ({columns_kept}, next_offset, {outcomes})"
        f" SELECT {columns_kept}, 100, received + 1, counted + 1, duplicate, late, dead_lettered"
        " FROM checkpoint_versions FINAL WHERE partition = 0",
    )
    expect(
        previous + 3,
        "partition 0, next_offset: log 6, ClickHouse 100",
        "partition 0, received: log 6, ClickHouse 7",
        "partition 0, counted: log 4, ClickHouse 5",
    )
    code, output = printed(system, "--show", "2")
    assert f"... and {previous + 1} more" in output


def test_recreated_topic_is_audited_without_its_predecessor(system: System) -> None:
    produce(system, [view("a")] * 5)
    counted(system, 5)
    with topics.admin(system.kafka) as admin:
        admin.delete_topics([system.kafka.events_topic])
        wait_until(
            lambda: system.kafka.events_topic not in admin.list_topics(), "the topic is deleted"
        )
    with pytest.raises(Misconfigured, match="mostread init"):
        audited(system)
    system.init()
    produce(system, [view("b")] * 3)
    counted(system, 8)
    code, report = audited(system)
    assert (code, report["difference_count"]) == (0, 0)
    assert [(entry["rows"], entry["views"]) for entry in report["foreign_counters"]] == [(4, 5)]
    assert (
        "outside this log: 4 counters with 5 lifetime views of another topic" in printed(system)[1]
    )


def test_site_and_since_narrow_the_comparison(system: System) -> None:
    produce(system, [view("a", site="s"), view("b"), view("b", hours_ago=5)])
    counted(system, 3)
    clickhouse(system, "DELETE FROM counter_versions WHERE article_id = 'b'")
    # The total, two minutes and two hours; the five hours may begin in the week before.
    missing = 5 + len({week_start(NOW), week_start(NOW - 5 * HOUR)})
    assert audited(system)[1]["difference_count"] == missing
    assert audited(system, "--site", "s")[0] == 0
    code, report = audited(system, "--site", "default")
    assert (code, report["difference_count"]) == (1, missing)
    code, report = audited(system, "--since", "2h")
    assert {entry["grain"] for entry in report["differences"]} <= {"minute", "hour", "week"}
    assert all(entry["window"] >= NOW - 2 * HOUR for entry in report["differences"])
    # The last minute is within two hours, and the hour of five hours ago is not.
    assert 1 <= report["difference_count"] <= 3
    assert audited(system, "--since", "2199-01-01")[0] == 0


def test_truncated_log_is_compared_as_far_as_possible(system: System) -> None:
    before = time.time() - 1
    produce(system, [view("a"), view("a", hours_ago=5), view("b")])
    counted(system, 3)
    after = time.time() + 1
    partition_0 = TopicPartition(system.kafka.events_topic, 0)
    with topics.admin(system.kafka) as admin:
        admin.delete_records({partition_0: 2})
    code, report = audited(system)
    assert (code, report["difference_count"]) == (0, 0)
    (partition,) = [entry for entry in report["partitions"] if entry["partition"] == 0]
    assert partition["first_offset"] == 2
    assert not partition["outcomes_compared"]
    # The dedup window and the maximum clock skew after what is now the first record.
    assert before <= partition["compared_since"] - 36 * 60 <= after
    assert partition["counters_not_compared"] > 0
    assert "Kafka has all of it from offset 2 on" in printed(system)[1]


def test_reader_fails_when_records_are_removed_before_it_reads_them(system: System) -> None:
    produce(system, [view("a")] * 3)
    reader = TopicReader(system.kafka, system.kafka.events_topic)
    with topics.admin(system.kafka) as admin:
        admin.delete_records({TopicPartition(system.kafka.events_topic, 0): 2})
    with pytest.raises(KafkaUnavailable, match="retention removed records"):
        list(reader.read(0, 0, 3))
    reader.close()
