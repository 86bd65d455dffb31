"""Count a hundredth of a day of a billion events on the complete path, from HTTP to lists."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from click.testing import CliRunner
from clickhouse_connect.driver.client import Client

from benchmarks import cpu
from benchmarks.contestant import Servers
from benchmarks.lists import milliseconds
from benchmarks.memory import resident
from mostread.cli.audit import audit
from mostread.infra.clickhouse.client import connect, read_sql
from tests.support.system import Service, System, wait_until

EVENTS_PER_REQUEST = 200
CONNECTIONS = 32
PARTITIONS = 32
WORKERS = 2
BREAKING = 0.2
"""Share of all events that a single article has, on top of the Zipf distribution."""
VISITORS = 2_000_000
SEED = 1
LISTS = 10
_COUNT_SECONDS = 900
_QUERIES = Path(__file__).with_name("queries")


@dataclass(frozen=True)
class Day:
    """Traffic of the simulation: events of `articles`, evenly divided among `sites`."""

    events: int = 10_000_000
    sites: int = 100
    articles: int = 200_000

    @property
    def site_names(self) -> list[str]:
        return [f"site-{number:03}" for number in range(self.sites)]


@dataclass(frozen=True)
class Simulated:
    """Resources that the simulation used.

    `seconds` is the time from the first request to the last counted event, `behind` the part of it
    after the last acknowledgement. `collector` and `aggregator` are seconds of processor time,
    `worker_bytes` and `clickhouse_bytes` the peak of resident memory; `rows` and `stored_bytes` are
    those of tables after merges.
    """

    seconds: float
    behind: float
    collector: float
    aggregator: float
    worker_bytes: int
    clickhouse_bytes: int
    kafka_bytes: int
    counter_rows: int
    counter_bytes: int
    sketch_rows: int
    sketch_bytes: int
    minutes: list[int]
    list_ms: list[float]


def simulate(servers: Servers, day: Day) -> Simulated:
    """Send the events of `day` as fast as they are accepted, and count them meanwhile.

    Fails unless each event is counted once, by the totals in ClickHouse and by an audit.
    """
    with tempfile.TemporaryDirectory() as directory:
        name = f"day_{time.time_ns()}"
        system = System(servers.brokers, servers.clickhouse_url, name, Path(directory))
        system.init(partitions=PARTITIONS)
        client = connect(system.clickhouse)
        try:
            return _simulate(servers, system, client, day)
        finally:
            system.end()
            client.command(f"DROP DATABASE {name} SYNC")
            client.close()


def _simulate(servers: Servers, system: System, client: Client, day: Day) -> Simulated:
    collector = system.service(
        "collector",
        MOSTREAD_COLLECTOR_SITES=",".join(day.site_names),
        MOSTREAD_COLLECTOR_RATE_LIMIT_PER_VISITOR_HOUR="10000000000",
    )
    workers = [system.service("aggregator") for _ in range(WORKERS)]
    for service in (collector, *workers):
        service.wait_ready()
    assert servers.clickhouse.pid is not None
    memory = _Memory(servers.clickhouse.pid, [worker.pid for worker in workers])
    began = time.monotonic()
    asyncio.run(_send(collector, day, memory.sample))
    sent = time.monotonic()

    def is_counted() -> bool:
        memory.sample()
        return sum(worker.sum("mostread_aggregator_lag_records") for worker in workers) == 0

    wait_until(is_counted, "all events are counted", _COUNT_SECONDS)
    ended = time.monotonic()
    processor = cpu.used(collector.pid), sum(cpu.used(worker.pid) for worker in workers)
    minutes = [int(row[0]) for row in client.query(read_sql(_QUERIES, "per_minute")).result_rows]
    assert sum(minutes) == day.events, f"{sum(minutes)} of {day.events} events are counted"
    service = system.service("ranking").wait_ready()
    lists = [
        milliseconds(f"{service.url}/v1/most-read?limit=10&site={site}", 10)
        for site in day.site_names[:LISTS]
    ]
    memory.sample()
    _audit(system)
    for table in ("counter_versions", "visitor_sketches"):
        client.command(f"OPTIMIZE TABLE {table} FINAL")
    stored = {
        table: (int(rows), int(size))
        for table, rows, size in client.query(read_sql(_QUERIES, "stored")).result_rows
    }
    topic = system.kafka.events_topic
    return Simulated(
        ended - began,
        ended - sent,
        *processor,
        memory.worker,
        memory.clickhouse,
        sum(file.stat().st_size for file in servers.kafka.data.glob(f"**/{topic}-*/*.log")),
        *stored["counter_versions"],
        *stored["visitor_sketches"],
        minutes,
        lists,
    )


class _Memory:
    """Peak of resident memory so far, in bytes; of the workers, that of the largest."""

    def __init__(self, clickhouse: int, workers: list[int]) -> None:
        self._pids = clickhouse, workers
        self.clickhouse = self.worker = 0

    def sample(self) -> None:
        clickhouse, workers = self._pids
        self.clickhouse = max(self.clickhouse, resident(clickhouse))
        self.worker = max(self.worker, *map(resident, workers))


async def _send(collector: Service, day: Day, on_response: Any) -> None:
    """Send all events; each connection sends again once it has a response."""
    bodies = _bodies(day)
    url = f"{collector.url}/v1/events"
    headers = {"Content-Type": "application/x-ndjson", "User-Agent": "simulated"}

    async def client(session: aiohttp.ClientSession) -> None:
        for number, (size, body) in enumerate(bodies):
            async with session.post(url, data=body, headers=headers) as response:
                answer = await response.json()
                assert answer.get("accepted") == size, answer
            if number % 100 == 0:
                on_response()

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(client(session))


def _bodies(day: Day) -> Iterator[tuple[int, bytes]]:
    """Yield the number of events of each request, and its body."""
    rng = np.random.default_rng(SEED)
    cumulated = np.cumsum(1 / np.arange(1, day.articles + 1))
    for first in range(0, day.events, 200_000):
        count = min(200_000, day.events - first)
        articles = np.searchsorted(cumulated, rng.random(count) * cumulated[-1])
        articles[rng.random(count) < BREAKING] = 0
        visitors = rng.integers(VISITORS, size=count)
        kinds = rng.choice(("view", "like", "comment"), count, p=(0.97, 0.02, 0.01))
        now = time.time_ns() // 1_000_000
        lines = [
            f'{{"id":"{first + number:016x}","type":"{kind}","article_id":"article-{article:07}",'
            f'"site":"site-{article % day.sites:03}","timestamp":{now},"visitor":"v{visitor}"}}'
            for number, (article, visitor, kind) in enumerate(
                zip(articles.tolist(), visitors.tolist(), kinds.tolist(), strict=True)
            )
        ]
        for start in range(0, count, EVENTS_PER_REQUEST):
            part = lines[start : start + EVENTS_PER_REQUEST]
            yield len(part), "\n".join(part).encode()


def _audit(system: System) -> None:
    result = CliRunner().invoke(audit, env=system.environment)
    assert result.exit_code == 0, result.output
