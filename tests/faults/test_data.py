"""Unusual records in the log, compared with an independent recount."""

import random
import time
from collections.abc import Iterator, Sequence

import orjson
import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from mostread.core.records import MAX_DEAD_LINES
from mostread.infra.kafka import topics
from mostread.infra.kafka.topics import EVENT_BYTES
from tests.faults.log import produce
from tests.faults.verdict import against_recount
from tests.support.system import System

MINUTE, HOUR, DAY = 60_000, 3_600_000, 24 * 3_600_000
MIDNIGHT = time.time_ns() // 1_000_000 // DAY * DAY
"""The last one: ClickHouse keeps no minutes of long ago."""


def view(name: str = "", article: str = "a", **fields: object) -> bytes:
    event = {"type": "view", "article_id": article, **({"id": name} if name else {}), **fields}
    return orjson.dumps(event)


def outcomes(system: System) -> dict[str, int]:
    """Return the outcomes of all events, summed over the partitions."""
    totals: dict[str, int] = {}
    for each in system.outcomes().values():
        for name, number in each.items():
            totals[name] = totals.get(name, 0) + number
    return totals


@pytest.fixture
def counting(system: System) -> Iterator[System]:
    """A system with a worker that counts."""
    worker = system.service("aggregator").wait_ready()
    yield system
    assert worker.stop() == 0


POISON = {
    "cut off": b"{",
    "nested deeply": b"[" * 100_000,
    "no UTF-8 at its beginning": b"\xff\xfe" + view(),
    "no UTF-8 in a name": b'{"type":"view","article_id":"\xc3\x28"}',
    "zeros": bytes(1000),
    "no UTF-8 between good lines": view() + b"\n\xff\n" + view(),
    "empty": b"",
    "without a value": None,
}


def test_poison_record_costs_only_itself(counting: System) -> None:
    for name, poison in POISON.items():
        produce(counting, [("a", view(f"before {name}")), ("a", poison), ("a", view(name))])
    against_recount(counting)
    good = 2 * len(POISON) + 2
    expected = {"received": good + len(POISON), "counted": good, "dead_lettered": len(POISON)}
    assert outcomes(counting) == expected


def test_record_with_ten_thousand_invalid_lines(counting: System) -> None:
    produce(counting, [("a", b"{}\n" * 10_000 + view())])
    against_recount(counting)
    assert outcomes(counting) == {"received": 10_001, "dead_lettered": 10_000, "counted": 1}


def test_records_of_a_million_invalid_lines_cost_only_themselves(counting: System) -> None:
    record = view("before") + b"\n" + b"x\n" * 950_000 + view("behind")
    produce(counting, [("a", record)] * 3)
    produce(counting, [("a", view("good"))])
    against_recount(counting)
    # The rest of each record is one dead line.
    assert outcomes(counting) == {
        "received": 3 * (1 + MAX_DEAD_LINES + 1) + 1,
        "dead_lettered": 3 * (MAX_DEAD_LINES + 1),
        "duplicate": 2,
        "counted": 2,
    }


def test_record_of_maximum_size_is_counted(counting: System) -> None:
    lines: list[bytes] = []
    room = EVENT_BYTES - 200  # what Kafka adds
    while room > 0:
        lines.append(view(f"e-{len(lines)}", f"{len(lines) % 7}-" + "ю" * 126))
        room -= len(lines[-1]) + 1
    produce(counting, [("a", b"\n".join(lines[:-1]))])
    produce(counting, [("a", b"x" * (EVENT_BYTES - 200))])
    against_recount(counting)
    assert outcomes(counting)["counted"] == len(lines) - 1
    assert outcomes(counting)["dead_lettered"] == 1


def test_ten_thousand_invalid_records_in_a_row(counting: System) -> None:
    produce(counting, [("a", b"nonsense %d" % number) for number in range(10_000)])
    produce(counting, [("a", view("good"))])
    against_recount(counting)
    assert outcomes(counting) == {"received": 10_001, "dead_lettered": 10_000, "counted": 1}


def test_article_with_most_of_the_traffic_is_counted(counting: System) -> None:
    chance = random.Random(1)
    names = ["hot" if chance.random() < 0.9 else f"cold-{n % 500}" for n in range(50_000)]
    produce(counting, [(name, view(f"e-{n}", name)) for n, name in enumerate(names)])
    against_recount(counting)
    totals = {
        key[3]: numbers[0]
        for partition in counting.counters().values()
        for key, numbers in partition.items()
        if key[1] == "total"
    }
    assert totals["hot"] == names.count("hot")


def test_events_with_wrong_clocks_are_counted(counting: System) -> None:
    now = time.time_ns() // 1_000_000
    wrong = [-400 * DAY, -25 * HOUR, -23 * HOUR, -3 * HOUR, 30_000, 5 * MINUTE, 3 * HOUR, 90 * DAY]
    produce(counting, [("a", view(f"{error}", timestamp=now + error)) for error in wrong])
    against_recount(counting)
    assert outcomes(counting) == {"received": 8, "counted": 6, "late": 2}


def write_at(system: System, records: Sequence[tuple[int, bytes]]) -> None:
    """Write records of one partition at times of our own, as no broker would stamp them."""
    with topics.admin(system.kafka) as admin:
        own_time = {"message.timestamp.type": "CreateTime"}
        topic = ConfigResource(ConfigResourceType.TOPIC, system.kafka.events_topic, own_time)
        admin.alter_configs([topic])
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers, acks="all")
    for at, value in records:
        producer.send(system.kafka.events_topic, value=value, partition=0, timestamp_ms=at).get(30)
    producer.close()


def test_record_time_leap_to_new_day(counting: System) -> None:
    write_at(
        counting,
        [
            (MIDNIGHT - 2 * DAY, view("days before")),
            (MIDNIGHT - 1, view("last")),
            (MIDNIGHT, view("first")),
            (MIDNIGHT + 1, view("old", timestamp=MIDNIGHT - 1)),
            (MIDNIGHT + 2, view("last")),
            (MIDNIGHT + 3, view("late", timestamp=MIDNIGHT - 2 * DAY)),
            (MIDNIGHT + 4, view("days before")),
        ],
    )
    against_recount(counting)
    expected = {"received": 7, "counted": 5, "duplicate": 1, "late": 1}
    assert outcomes(counting) == expected


EDGES = [(0, 30), (4, 30), (0, 34), (4, 31), (0, 35), (4, 36), (0, 36)]
"""Minutes of record time: of an id's first occurrence, and how much later it comes again."""


def edge_records() -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    first = [(MIDNIGHT + at * MINUTE, view(f"{at} {later}")) for at, later in EDGES]
    again = [(MIDNIGHT + (at + later) * MINUTE, view(f"{at} {later}")) for at, later in EDGES]
    return sorted(first), sorted(again)


def test_duplicates_at_edge_of_dedup_window(counting: System) -> None:
    first, again = edge_records()
    write_at(counting, [*first, *again])
    against_recount(counting)
    # 30 minutes are always remembered, 35 never; in between it depends on the generation.
    assert outcomes(counting) == {"received": 14, "counted": 11, "duplicate": 3}


def test_duplicates_across_restart_equal_those_without_restart(
    system: System,
) -> None:
    first, again = edge_records()
    worker = system.service("aggregator").wait_ready()
    write_at(system, first)
    against_recount(system)
    worker.kill()
    write_at(system, again[:3])
    worker.start().wait_ready()
    against_recount(system)
    assert worker.stop() == 0
    write_at(system, again[3:])
    worker.start().wait_ready()
    against_recount(system)
    assert outcomes(system) == {"received": 14, "counted": 11, "duplicate": 3}
