"""The programs that are compared, and the measurements of each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from benchmarks.log import Load, Log


@dataclass(frozen=True)
class Servers:
    """The real servers, which all contestants share."""

    brokers: str
    clickhouse_url: str


@dataclass(frozen=True)
class Measured:
    """How fast it was, what it says it counted, and what its process took of the machine.

    `processor` is in microseconds per event, all threads together; it says more than speed where
    others want the same cores. `memory` holds resident bytes, about ten samples a second, from
    start to end.
    """

    events_per_second: float
    processor: float
    counted: int
    memory: tuple[int, ...] = field(default=(), repr=False)


Run = Callable[[Servers, Log], Measured]

Sampler = Callable[[int], AbstractContextManager[object]]
"""Something that is to happen to a process, by its id, while it is measured."""


@dataclass(frozen=True)
class Contestant:
    """An aggregator and the log it reads."""

    name: str
    run: Run
    load: Load
