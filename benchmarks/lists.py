"""Measure lists over a day of counters: the time to compute one, and cached requests."""

import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cpu, http_load
from benchmarks.contestant import Servers
from mostread.infra.clickhouse.client import connect, read_sql
from tests.support.system import System

_QUERIES = Path(__file__).with_name("queries")

COLD = 40
"""Number of lists requested for the first time."""


@dataclass(frozen=True)
class Served:
    """Milliseconds of each computed list; requests per second and p99 of a cached one.

    `first_ms` are those of lists that were not requested in this minute, so that the previous list,
    for the previous ranks, is computed too.
    """

    cold_ms: list[float]
    first_ms: list[float]
    per_second: float
    per_core_second: float
    p99_ms: float


def measure(servers: Servers, *, rows: int, seconds: float) -> Served:
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
            for grain in ("hour", "total"):
                client.command(read_sql(_QUERIES, "sums"), {"grain": grain})
            client.command(read_sql(_QUERIES, "checkpoint"))
            return _serve(system, seconds)
        finally:
            system.end()
            client.command(f"DROP DATABASE {name} SYNC")
            client.close()


def _serve(system: System, seconds: float) -> Served:
    service = system.service("ranking").wait_ready()
    assert service.process is not None
    address = f"{service.url}/v1/most-read?window=24h&limit="
    cold = [_milliseconds(f"{address}{limit}", limit) for limit in range(1, COLD + 1)]
    first = [
        _milliseconds(f"{address}10&by=score&half_life={hours}h", 10)
        for hours in range(1, COLD + 1)
    ]
    before = cpu.used(service.process.pid)
    cached = http_load.run(f"{address}10", events=0, connections=50, seconds=seconds)
    used = cpu.used(service.process.pid) - before
    return Served(cold, first, cached.per_second, cached.requests / used, cached.p99 / 1000)


def _milliseconds(address: str, items: int) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(address) as response:
        assert response.read().count(b'"article_id"') == items
    return (time.perf_counter() - began) * 1000
