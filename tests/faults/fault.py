"""A fault: what it does to a rig, for how long, and which parts of it are its alone meanwhile."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar


class Part(Enum):
    """Parts that a fault occupies; other faults may run on the other parts at the same time."""

    WORKERS = "workers"
    KAFKA = "kafka"
    CLICKHOUSE = "clickhouse"
    COLLECTORS = "collectors"


R_contra = TypeVar("R_contra", contravariant=True)
Play = Callable[[R_contra, random.Random], AbstractContextManager[None]]
"""Begins when it is entered and is over when it is left; what it picks, it picks by chance."""


@dataclass(frozen=True)
class Fault(Generic[R_contra]):
    """`lasts` bounds how many seconds pass between its beginning and its end."""

    name: str
    parts: frozenset[Part]
    lasts: tuple[float, float]
    play: Play[R_contra]


EVERYTHING = frozenset(Part)
