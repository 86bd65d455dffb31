"""Measure lists over ranges of a year."""

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from benchmarks import views
from benchmarks.contestant import Servers
from benchmarks.lists import milliseconds
from mostread.infra.clickhouse.client import connect, read_sql
from tests.support.system import System, wait_until

_QUERIES = Path(__file__).with_name("queries")

SLOTS = 110
"""Hours in which an article may be read; 85 are, on average."""

LISTS = 20
"""Number of lists requested for the first time."""

_ROWS_PER_INSERT = 1_000_000
_MERGE_SOON = (
    "ALTER TABLE counter_versions MODIFY SETTING min_age_to_force_merge_seconds = 1, "
    "merge_selecting_sleep_ms = 500"
)


class Year(NamedTuple):
    """Milliseconds of each computed list by range, and of queries on the views and the tables."""

    lists: dict[str, list[float]]
    queries: dict[str, tuple[list[float], list[float]]]


def measure(servers: Servers, *, articles: int) -> Year:
    """Measure lists and queries over the counters of a year."""
    with tempfile.TemporaryDirectory() as directory:
        name = f"ranges_{time.time_ns()}"
        system = System(servers.brokers, servers.clickhouse_url, name, Path(directory))
        system.init()
        client = connect(system.clickhouse)
        try:
            fill(client, articles)
            client.command(_MERGE_SOON)
            wait_until(lambda: _is_merged(client), "each partition is one part", 120)
            service = system.service("ranking").wait_ready()
            lists = {
                title: [
                    milliseconds(f"{service.url}/v1/most-read?{query}&limit={n}", n)
                    for n in _LIMITS
                ]
                for title, query in _queries().items()
            }
            return Year(lists, views.measure(client))
        finally:
            system.end()
            client.command(f"DROP DATABASE {name} SYNC")
            client.close()


_LIMITS = range(1, LISTS + 1)


def _queries() -> dict[str, str]:
    # The oldest hour of the retention may be deleted while the benchmark runs.
    year_ago = (datetime.now(UTC) - timedelta(days=399)).strftime("%Y-%m-%dT%H:00:00Z")
    return {
        "24 hours": "window=24h",
        "30 days": "window=30d",
        "30 days, compared with those before": "window=30d&compare=previous",
        "399 days": f"from={year_ago}",
    }


def fill(client: Client, articles: int) -> None:
    """Write the counters of a year, one version of each."""
    rows = articles * SLOTS
    for first in range(0, rows, _ROWS_PER_INSERT):
        part = {"articles": articles, "first": first, "slots": min(_ROWS_PER_INSERT, rows - first)}
        client.command(read_sql(_QUERIES, "year"), part)
    for grain in ("week", "total"):
        client.command(read_sql(_QUERIES, "sums"), {"grain": grain, "from": "hour"})
    client.command(read_sql(_QUERIES, "described"), {"articles": articles})
    client.command(read_sql(_QUERIES, "checkpoint"))


def _is_merged(client: Client) -> bool:
    parts, partitions = client.query(
        "SELECT count(), uniq(partition) FROM system.parts"
        " WHERE active AND database = currentDatabase() AND table = 'counter_versions'"
    ).first_row
    return bool(parts == partitions)
