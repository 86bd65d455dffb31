"""Bursts of hostile records into the events topic; the good events among them must be counted."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from tests.faults.fault import EVERYTHING, Fault, Part
from tests.faults.hostile import Hostile
from tests.faults.log import any_time, topic_of
from tests.faults.rig import Mostread

BURST = 200
BOMB_BYTES = 80 << 20


def _write(rig: Mostread, chance: random.Random, act: Callable[[Hostile], Awaitable[None]]) -> None:
    hostile = Hostile(
        rig.system.kafka.kafka_brokers,
        rig.topic,
        topic_of(rig.system).partitions,
        seed=chance.getrandbits(32),
    )

    async def write() -> None:
        await act(hostile)

    asyncio.run(write())
    rig.traffic.ledger.burst(hostile.written.views)


@contextmanager
def every_kind(rig: Mostread, chance: random.Random) -> Iterator[None]:
    _write(rig, chance, lambda hostile: hostile.write(BURST))
    yield


@contextmanager
def transactions(rig: Mostread, chance: random.Random) -> Iterator[None]:
    async def act(hostile: Hostile) -> None:
        for fate in ("aborted", "committed", "left open", "committed"):
            await hostile.write_transaction(fate)

    _write(rig, chance, act)
    yield


@contextmanager
def big_lines(rig: Mostread, chance: random.Random) -> Iterator[None]:
    async def act(hostile: Hostile) -> None:
        await hostile.write_kind("lines of 2 MB", 5)
        await hostile.write_kind("a million lines", 1)

    _write(rig, chance, act)
    yield


@contextmanager
def bomb(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """Stop a partition by a batch that decompresses to too much, until a worker skips it."""
    partition = chance.randrange(topic_of(rig.system).partitions)
    _write(rig, chance, lambda hostile: hostile.write_bomb(BOMB_BYTES, partition, "gzip"))
    yield


@contextmanager
def strange_times(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """Write records of 1970, of the far future, and without a time.

    Ids of before a leap of record time are forgotten, so none may be sent again across it.
    """
    rig.traffic.pause()
    rig.traffic.forget()
    with any_time(rig.system):
        _write(rig, chance, lambda hostile: hostile.write_times())
    rig.traffic.go_on()
    yield


ALONE = frozenset({Part.KAFKA})
FAULTS: list[Fault[Mostread]] = [
    Fault("hostile records of every kind", ALONE, (0, 4), every_kind),
    Fault("transactions, one of them left open", ALONE, (0, 4), transactions),
    Fault("2 MB of invalid lines", ALONE, (0, 2), big_lines),
    Fault("a batch of 80 MiB when decompressed", ALONE, (0, 2), bomb),
    Fault("records of strange times", EVERYTHING, (0, 2), strange_times),
]
