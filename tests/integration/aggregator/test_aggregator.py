"""One and two workers of the aggregator on the real Kafka and ClickHouse."""

import json
import random
import time
from collections.abc import Iterable

import orjson
from kafka import KafkaConsumer

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.ops.audit.reference import Key, Numbers, Recount, recount
from tests.faults.log import produce
from tests.faults.verdict import against_recount
from tests.support.analysis import Analyst, falling
from tests.support.system import System, wait_until


def events(chance: random.Random, count: int) -> list[dict[str, object]]:
    now = time.time_ns() // 1_000_000
    return [
        {
            "id": f"{chance.getrandbits(64):016x}" if chance.random() > 0.03 else "again",
            "type": chance.choice(["view"] * 8 + ["comment", "like"]),
            "article_id": f"статья-{min(int(chance.paretovariate(0.7)), 300)}",
            "timestamp": now - chance.choice([0, 0, 0, 90_000, 7_200_000, 30 * 3_600_000]),
        }
        for _ in range(count)
    ]


def summed(partitions: Iterable[Recount]) -> dict[Key, Numbers]:
    """Return the counters of all partitions together."""
    total: dict[Key, Numbers] = {}
    for partition in partitions:
        for key, numbers in partition.counters.items():
            before = total.get(key, (0, 0, 0))
            total[key] = (before[0] + numbers[0], before[1] + numbers[1], before[2] + numbers[2])
    return total


def test_every_event_is_counted_once(system: System) -> None:
    chance = random.Random(1)
    worker = system.service("aggregator").wait_ready()
    singles = [(str(e["article_id"]), orjson.dumps(e)) for e in events(chance, 500)]
    batches = [(None, b"\n".join(orjson.dumps(e) for e in events(chance, 100))) for _ in range(50)]
    bad: list[tuple[str | None, bytes | None]] = [
        ("x", b"{"),
        ("x", None),
        ("x", b""),
        ("x", b"\xff\xfe"),
        ("x", b"[" * 5000),
        ("x", b'{"type":"view","article_id":"a"}\nnonsense\n{"type":"like","article_id":"a"}'),
    ]
    produce(system, [*singles, *batches, *bad])
    against_recount(system)
    assert worker.stop() == 0


def test_invalid_lines_become_dead_letters(system: System) -> None:
    system.service("aggregator").wait_ready()
    good = b'{"type":"view","article_id":"a"}'
    produce(system, [("a", good + b"\nnonsense\n" + good), ("a", b"\xff")])
    against_recount(system)

    consumer = KafkaConsumer(
        system.kafka.dead_letters_topic,
        bootstrap_servers=system.kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        consumer_timeout_ms=2000,
    )
    letters = [json.loads(record.value) for record in consumer]
    consumer.close()
    assert [(letter["line"], letter.get("text"), letter.get("base64")) for letter in letters] == [
        (1, "nonsense", None),
        (0, None, "/w=="),
    ]
    assert all(letter["reason"] and letter["topic"].endswith("events") for letter in letters)
    written = {r.timestamp for records in system.log().values() for r in records}
    assert {letter["timestamp"] for letter in letters} == written


def test_counts_are_exact_while_workers_are_killed_and_join(system: System) -> None:
    chance = random.Random(2)
    analyst = Analyst(system, [f"статья-{number}" for number in range(301)])
    first, second = system.service("aggregator"), system.service("aggregator")
    with analyst.reading():
        for round_number in range(6):
            produce(
                system,
                [
                    (
                        str(e["article_id"]),
                        orjson.dumps(e) + b"\n" + orjson.dumps(e | {"type": "like"}),
                    )
                    for e in events(chance, 1500)
                ],
            )
            victim = (first, second)[round_number % 2]
            if round_number % 3 == 2:
                victim.stop()
            else:
                victim.kill()
            victim.start()
        against_recount(system)
    # Analysts never read more than is true, or less than before; at the end they read the truth.
    expected = analyst.expected(summed(recount(records) for records in system.log().values()))
    assert analyst.read() == expected
    assert len(analyst.results) > 10
    assert falling([*analyst.results, expected]) == []


def test_duplicate_id_is_detected_after_restart(system: System) -> None:
    event = b'{"id":"once","type":"view","article_id":"a"}'
    worker = system.service("aggregator").wait_ready()
    produce(system, [("a", event), ("a", b'{"type":"view","article_id":"a"}')])
    wait_until(lambda: system.counted() == 2, "both are counted")
    assert worker.stop() == 0
    worker.start().wait_ready()
    produce(system, [("a", event)])
    against_recount(system)
    assert list(system.outcomes().values()) == [{"received": 3, "counted": 2, "duplicate": 1}]


def test_clickhouse_outage_loses_no_event(system: System, clickhouse: LocalClickHouse) -> None:
    worker = system.service("aggregator").wait_ready()
    chance = random.Random(3)
    produce(system, [("a", orjson.dumps(event)) for event in events(chance, 300)])
    wait_until(lambda: system.counted() == 300, "the first are counted")
    clickhouse.kill()
    try:
        produce(system, [("b", orjson.dumps(event)) for event in events(chance, 300)])
        wait_until(lambda: "ClickHouse" in worker.failing(), "/readyz names ClickHouse")
        assert worker.stop() == 0, "an orderly shutdown needs no ClickHouse"
        worker.start()
        wait_until(lambda: "ClickHouse" in worker.failing(), "/readyz names ClickHouse again")
    finally:
        clickhouse.start()
    worker.wait_ready()
    against_recount(system)


def test_counts_are_exact_after_kafka_restart(system: System, kafka: LocalKafka) -> None:
    worker = system.service("aggregator").wait_ready()
    chance = random.Random(4)
    produce(system, [("a", orjson.dumps(event)) for event in events(chance, 500)])
    kafka.kill()
    kafka.start()
    produce(system, [("b", orjson.dumps(event)) for event in events(chance, 500)])
    if worker.process and worker.process.poll() is not None:
        worker.start()  # as a supervisor would
    against_recount(system)


def test_recreated_topic_is_counted_from_its_beginning(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    view = b'{"type":"view","article_id":"a"}'
    produce(system, [("a", view)] * 5)
    wait_until(lambda: system.counted() == 5, "the first topic is counted")
    with topics.admin(system.kafka) as admin:
        admin.delete_topics([system.kafka.events_topic])
    wait_until(lambda: "mostread init" in worker.failing(), "/readyz says what to do")
    system.init()
    produce(system, [("a", view)] * 3)

    def counts_new_topic() -> bool:
        # The worker gets the new topic in a rebalance, or exits if it notices it before.
        assert worker.process is not None
        if worker.process.poll() is not None:
            assert b"was deleted and recreated" in worker.log.read_bytes()
            worker.start()
        return system.counted() == 8

    wait_until(counts_new_topic, "the second topic is counted too")
    client = connect(system.clickhouse)
    total = "SELECT sum(views) FROM counter_versions FINAL WHERE grain = 'total'"
    assert client.query(total).result_rows == [(8,)]
    client.close()
