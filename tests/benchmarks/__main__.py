"""`make bench`: mostread and its peers on the same events, in one run, as ratios.

Every figure is the whole way: from a filled topic to rows in ClickHouse with the offsets
committed, on one worker. The peers run in turn, several rounds; the median is shown.
"""

import asyncio
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import orjson
from kafka import KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec

from benchmarks import latency
from mostread.kafka import topics
from mostread.kafka.settings import KafkaSettings
from stack import running_clickhouse, running_kafka
from system import System, wait_until

ARTICLES = 2_000
PARTITIONS = 4


def events(chance: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield article ids, skewed as on a news page, and events of the last minutes."""
    now = time.time_ns() // 1_000_000
    weights = [1 / rank for rank in range(1, ARTICLES + 1)]
    names = [f"article-{number:05}" for number in range(ARTICLES)]
    for article in chance.choices(names, weights, k=count):
        event = {
            "id": f"{chance.getrandbits(96):024x}",
            "type": "view" if chance.random() < 0.97 else chance.choice(["like", "comment"]),
            "article_id": article,
            "timestamp": now - chance.randrange(180_000),
        }
        yield article, orjson.dumps(event)


def fill(kafka: KafkaSettings, count: int, events_a_record: int) -> None:
    """Write `count` events, `events_a_record` of one article's partition in each record."""
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, linger_ms=20, batch_size=256 << 10
    )
    chance = random.Random(1)
    gathered: dict[int, list[bytes]] = {number: [] for number in range(PARTITIONS)}
    for article, event in events(chance, count):
        partition = zlib.crc32(article.encode()) % PARTITIONS
        lines = gathered[partition]
        lines.append(event)
        if len(lines) == events_a_record:
            producer.send(kafka.events_topic, value=b"\n".join(lines), partition=partition)
            lines.clear()
    for partition, lines in gathered.items():
        if lines:
            producer.send(kafka.events_topic, value=b"\n".join(lines), partition=partition)
    producer.flush()
    producer.close()


def seconds_until_committed(system: System, group: str, assigned: Path, sign: bytes) -> float:
    """Wait for `sign` in the log `assigned`, then until `group` has committed every offset."""
    wait_until(lambda: sign in assigned.read_bytes(), "partitions are assigned")
    began = time.monotonic()
    with topics.admin(system.kafka) as admin:
        name = system.kafka.events_topic
        places = [TopicPartition(name, number) for number in range(PARTITIONS)]
        latest = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        ends = {place: found.offset for place, found in latest.items()}

        def committed() -> bool:
            offsets = admin.list_group_offsets([group])[group]
            return all(place in offsets and offsets[place].offset >= ends[place] for place in ends)

        wait_until(committed, "all offsets are committed", 600)
    return time.monotonic() - began


@contextmanager
def filled(servers: tuple[str, str], count: int, size: int) -> Iterator[System]:
    """Yield a system of its own whose topic holds `count` events, `size` a record."""
    with tempfile.TemporaryDirectory() as directory:
        system = System(*servers, f"bench_{time.time_ns()}", Path(directory))
        system.init(PARTITIONS)
        fill(system.kafka, count, size)
        yield system
        system.end()


def mostread(servers: tuple[str, str], count: int, size: int) -> float:
    """Return events a second of one aggregator over `count` events, `size` a record."""
    with filled(servers, count, size) as system:
        worker = system.service("aggregator")
        group = system.environment["MOSTREAD_AGGREGATOR_GROUP"]
        took = seconds_until_committed(system, group, worker.log, b"partitions_assigned")
        assert worker.stop() == 0
        return count / took


def idiomatic(servers: tuple[str, str], count: int, _: int) -> float:
    """Return events a second of the usual Faust program, without any database."""
    with filled(servers, count, 1) as system:
        log = system.directory / "idiomatic.log"
        group = f"idiomatic_{time.time_ns()}"
        program = str(Path(__file__).with_name("idiomatic.py"))
        arguments = [sys.executable, program, system.kafka.kafka_brokers, system.kafka.events_topic]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*arguments, group], cwd=system.directory, stdout=out, stderr=out
            )
        try:
            return count / seconds_until_committed(system, group, log, b"partitions_assigned")
        finally:
            process.kill()
            process.wait()


def latency_row(servers: tuple[str, str], rate: int) -> str:
    """Return how long events take to be listed while `rate` others arrive each second."""
    with tempfile.TemporaryDirectory() as directory:
        system = System(*servers, f"latency_{time.time_ns()}", Path(directory))
        system.init(PARTITIONS)
        try:
            took = asyncio.run(latency.measure(system, rate=rate, seconds=30))
        finally:
            system.end()
    slowest = statistics.quantiles(took, n=100)[98]
    middle = statistics.median(took)
    return f"| at {rate:,} events/s | {middle:.2f} s | {slowest:.2f} s | {len(took)} |"


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each is measured.")
@click.option("--events", "count", default=3_000_000, show_default=True, help="Events in the log.")
def bench(rounds: int, count: int) -> None:
    """Measure everything against its peers and print a table."""
    contestants = {
        "idiomatic Faust `table[key] += 1`, 1 event a record": (idiomatic, count // 60, 1),
        "mostread, 100 events a record": (mostread, count, 100),
        "mostread, 1 event a record": (mostread, count // 6, 1),
    }
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    with (
        tempfile.TemporaryDirectory() as directory,
        running_kafka(Path(directory, "kafka")) as kafka,
        running_clickhouse(Path(directory, "clickhouse")) as clickhouse,
    ):
        servers = kafka.brokers, clickhouse.url
        for number in range(1, rounds + 1):
            for name, (run, events_count, size) in contestants.items():
                figure = run(servers, events_count, size)
                figures[name].append(figure)
                click.echo(f"round {number}: {name}: {figure:,.0f} events/s", err=True)
        rows = [latency_row(servers, rate) for rate in (1_000, 5_000)]
    first = statistics.median(next(iter(figures.values())))
    click.echo(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n"
    )
    click.echo("| what | events/s, median | least to most | ratio |\n|---|---|---|---|")
    for name, found in figures.items():
        middle = statistics.median(found)
        spread = f"{min(found):,.0f} to {max(found):,.0f}"
        click.echo(f"| {name} | {middle:,.0f} | {spread} | {middle / first:.1f} |")
    click.echo("\n| from POST to visible in the list | median | p99 | probes |\n|---|---|---|---|")
    for row in rows:
        click.echo(row)


if __name__ == "__main__":
    bench()
