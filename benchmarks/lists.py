"""Measure lists over a day of counters: the time to compute one, and cached requests."""

import tempfile
import time
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import cpu, http_load
from benchmarks.collectors import program
from benchmarks.contestant import Servers
from benchmarks.run import in_turn
from mostread.infra.clickhouse.client import connect, read_sql
from tests.support.system import System

_QUERIES = Path(__file__).with_name("queries")

COLD = 40
"""Number of lists requested for the first time."""


@dataclass(frozen=True)
class Served:
    """Milliseconds of each computed list; requests per second and p99 of a cached one.

    `first_ms` are those of lists that were not requested in this minute, so that the previous list,
    for the previous ranks, is computed too. `limit` is the cached list from a program that only
    sends the same bytes.
    """

    cold_ms: list[float]
    first_ms: list[float]
    cached: list["CachedLoad"]
    limit: list["CachedLoad"]


@dataclass(frozen=True)
class CachedLoad:
    """Requests of 50 clients for one cached response."""

    per_second: float
    per_core_second: float
    p99_ms: float


def measure(servers: Servers, *, rows: int, seconds: float, rounds: int) -> Served:
    """Request lists over 24 hours of `rows` minute counters."""
    with tempfile.TemporaryDirectory() as directory:
        name = f"lists_{time.time_ns()}"
        system = System(servers.brokers, servers.clickhouse_url, name, Path(directory))
        system.init()
        client = connect(system.clickhouse)
        try:
            client.command(
                read_sql(_QUERIES, "minutes"), {"articles": max(1, rows // 1440), "rows": rows}
            )
            for grain in ("hour", "week", "total"):
                client.command(read_sql(_QUERIES, "sums"), {"grain": grain, "from": "minute"})
            client.command(read_sql(_QUERIES, "checkpoint"))
            return _serve(system, Path(directory), seconds, rounds)
        finally:
            system.end()
            client.command(f"DROP DATABASE {name} SYNC")
            client.close()


def _serve(system: System, directory: Path, seconds: float, rounds: int) -> Served:
    service = system.service("ranking").wait_ready()
    assert service.process is not None
    address = f"{service.url}/v1/most-read?window=24h&limit="
    cold = [milliseconds(f"{address}{limit}", limit) for limit in range(1, COLD + 1)]
    first = [
        milliseconds(f"{address}10&by=score&half_life={hours}h", 10) for hours in range(1, COLD + 1)
    ]
    body = directory / "list.json"
    with urllib.request.urlopen(f"{address}10") as response:
        body.write_bytes(response.read())
    with program("same_bytes", str(body)) as (url, pid):
        loads = in_turn(
            rounds,
            {
                "cached": partial(_load, f"{address}10", service.process.pid, seconds),
                "limit": partial(_load, f"{url}/v1/most-read", pid, seconds),
            },
        )
    return Served(cold, first, **loads)


def _load(url: str, pid: int, seconds: float) -> CachedLoad:
    before = cpu.used(pid)
    load = http_load.run(url, events=0, connections=50, seconds=seconds)
    used = cpu.used(pid) - before
    return CachedLoad(load.per_second, load.requests / used, load.p99 / 1000)


def milliseconds(address: str, items: int) -> float:
    """Request a list, and return how long it took; fail unless it has so many items."""
    began = time.perf_counter()
    with urllib.request.urlopen(address) as response:
        assert response.read().count(b'"article_id"') == items
    return (time.perf_counter() - began) * 1000
