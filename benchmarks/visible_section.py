"""Measure end-to-end latency."""

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks import latency
from benchmarks.contestant import Servers
from benchmarks.run import Results, Scale
from benchmarks.table import Goal, goals, middle, table
from tests.support.system import System

RATES = (1_000, 5_000)


def section(servers: Servers, scale: Scale) -> Results:
    """Measure at each rate; probes are few, so it takes three times as long as others."""
    seconds = max(3, round(3 * scale.seconds))
    seconds_by_rate = {rate: sorted(_probes(servers, rate, seconds)) for rate in RATES}
    rows = [
        [f"{rate:,} events/s", f"{middle(each):.2f} s", f"{_p99(each):.2f} s", f"{len(each)}"]
        for rate, each in seconds_by_rate.items()
    ]
    wanted = Goal(
        "POST to visible at 5,000 events/s: p99, s", 2, _p99(seconds_by_rate[5_000]), most=True
    )
    columns = ["from POST to visible in the list", "median", "p99", "probes"]
    return Results(f"{table(columns, rows)}\n\n{goals([wanted])}")


def _p99(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


def _probes(servers: Servers, rate: int, seconds: int) -> list[float]:
    with tempfile.TemporaryDirectory() as directory:
        name = f"visible_{time.time_ns()}"
        system = System(servers.brokers, servers.clickhouse_url, name, Path(directory))
        system.init()
        try:
            return asyncio.run(latency.measure(system, rate=rate, seconds=seconds))
        finally:
            system.end()
