"""Faults of aggregator workers."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault, Part
from tests.faults.rig import SESSION_SECONDS, Rig
from tests.faults.workers import freeze, thaw


@contextmanager
def terminated(rig: Rig, chance: random.Random) -> Iterator[None]:
    worker = rig.workers.one(chance.randrange(9))
    rig.workers.stop(worker)
    yield
    rig.workers.start(worker)


@contextmanager
def killed(rig: Rig, chance: random.Random) -> Iterator[None]:
    worker = rig.workers.one(chance.randrange(9))
    rig.workers.kill(worker)
    yield
    rig.workers.start(worker)


@contextmanager
def frozen(rig: Rig, chance: random.Random) -> Iterator[None]:
    """Suspend a worker; when it resumes, another owns its partitions, and it still writes."""
    worker = rig.workers.one(chance.randrange(9))
    freeze(worker)
    try:
        yield
    finally:
        thaw(worker)


@contextmanager
def added(rig: Rig, _: random.Random) -> Iterator[None]:
    worker = rig.workers.add()
    yield
    rig.workers.remove(worker)


@contextmanager
def all_killed(rig: Rig, _: random.Random) -> Iterator[None]:
    workers = list(rig.workers.all())
    for worker in workers:
        rig.workers.kill(worker)
    yield
    for worker in workers:
        rig.workers.start(worker)


ALONE = frozenset({Part.WORKERS})
FAULTS: list[Fault[Rig]] = [
    Fault("a worker ends by SIGTERM", ALONE, (0, 6), terminated),
    Fault("a worker ends by kill -9", ALONE, (0, 6), killed),
    Fault(
        "a worker stands still for longer than its session",
        ALONE,
        (SESSION_SECONDS + 2, SESSION_SECONDS + 5),
        frozen,
    ),
    Fault("a worker comes and goes", ALONE, (6, 12), added),
    Fault("all workers end by kill -9", ALONE, (0, 4), all_killed),
]
