"""Look up stored counters as the aggregator does."""

import functools
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from benchmarks.contestant import Servers
from benchmarks.table import middle
from mostread.aggregator.repository import CounterRepository, Epoch
from mostread.core.counting.counters import CounterKey
from mostread.infra.clickhouse.client import connect, read_sql
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import migrate
from mostread.infra.kafka.topics import Topic

EPOCH = Epoch(Topic("engagement.events", UUID(int=1), 8), 0)
_QUERIES = Path(__file__).parent / "queries"


class StoredCounters:
    """Counters in ClickHouse: the minutes of a day, spread evenly over sites."""

    def __init__(self, settings: ClickHouseSettings, sites: int, rows: int) -> None:
        self._sites = sites
        self._rows = rows
        self._minute = int(time.time()) // 60 * 60
        self._repository = CounterRepository(functools.partial(connect, settings))
        client = connect(settings)
        parameters = {
            "sites": sites,
            "rows": rows,
            "minute": self._minute,
            "topic": str(EPOCH.topic.id),
        }
        client.command(read_sql(_QUERIES, "sites"), parameters)
        # Otherwise the first lookups would share the cores with merges.
        client.command("OPTIMIZE TABLE counter_versions FINAL")
        client.close()
        self._look_up(1)  # connects

    def seconds(self, keys: int) -> float:
        """Look up `keys` of the counters; return the seconds, the median of ten where few."""
        return middle([self._look_up(keys) for _ in range(10 if keys <= 100 else 1)])

    def _look_up(self, keys: int) -> float:
        """Look up `keys` counters, chosen at random; return the seconds it took."""
        chosen = random.Random(keys).sample(range(self._rows), keys)
        wanted = [(number % 8, self._key(number)) for number in chosen]
        began = time.perf_counter()
        counters = self._repository.counters(EPOCH, wanted)
        took = time.perf_counter() - began
        assert len(counters) == len(wanted)
        return took

    def close(self) -> None:
        self._repository.close()

    def _key(self, number: int) -> CounterKey:
        window = self._minute - number % 1440 * 60
        return CounterKey(f"site-{number % self._sites}", "minute", window, f"article-{number}")


@contextmanager
def stored(servers: Servers, sites: int, rows: int) -> Iterator[StoredCounters]:
    """Store `rows` counters in a database of their own, which ends with the context."""
    name = f"lookups_{sites}_{time.time_ns()}"
    settings = ClickHouseSettings(clickhouse_url=servers.clickhouse_url, clickhouse_database=name)
    migrate(settings)
    counters = StoredCounters(settings, sites, rows)
    try:
        yield counters
    finally:
        counters.close()
        client = connect(settings)
        client.command(f"DROP DATABASE {name} SYNC")
        client.close()
