"""Compared programs and their measurements."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from benchmarks.log import Load, Log
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka


@dataclass(frozen=True)
class Servers:
    """Kafka and ClickHouse, which all contestants share."""

    kafka: LocalKafka
    clickhouse: LocalClickHouse

    @property
    def brokers(self) -> str:
        return self.kafka.brokers

    @property
    def clickhouse_url(self) -> str:
        return self.clickhouse.url


@dataclass(frozen=True)
class Measured:
    """Speed of a contestant, whether it counted right, and its use of resources.

    `processor` is processor time in microseconds per event, over all threads; it depends less on
    other load than the speed does. `wrong` is the number of articles whose count differs from the
    log's. `memory` has the resident bytes from start to end, about ten samples per second.
    """

    events_per_second: float
    processor: float
    wrong: int
    memory: tuple[int, ...] = field(default=(), repr=False)


Run = Callable[[Servers, Log], Measured]

Sampler = Callable[[int], AbstractContextManager[object]]
"""Takes a process id, and is entered while that process is measured."""


@dataclass(frozen=True)
class Contestant:
    """An aggregator and the log it reads."""

    name: str
    run: Run
    load: Load
