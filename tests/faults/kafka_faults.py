"""Faults of Kafka and of the connections to it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault, Part
from tests.faults.rig import Rig


@contextmanager
def killed(rig: Rig, _: random.Random) -> Iterator[None]:
    rig.kafka.kill()
    yield
    rig.kafka.start()


@contextmanager
def away(rig: Rig, _: random.Random) -> Iterator[None]:
    rig.kafka_line.refuse()
    yield
    rig.kafka_line.pass_on()


@contextmanager
def silent(rig: Rig, _: random.Random) -> Iterator[None]:
    rig.kafka_line.stall()
    yield
    rig.kafka_line.pass_on()


@contextmanager
def slow(rig: Rig, chance: random.Random) -> Iterator[None]:
    rig.kafka_line.slow(chance.choice([30_000, 100_000]))
    yield
    rig.kafka_line.pass_on()


@contextmanager
def cut(rig: Rig, _: random.Random) -> Iterator[None]:
    rig.kafka_line.cut()
    yield
    rig.kafka_line.cut()


ALONE = frozenset({Part.KAFKA})
FAULTS: list[Fault[Rig]] = [
    Fault("Kafka ends by kill -9", ALONE, (0, 4), killed),
    Fault("Kafka is down", ALONE, (4, 15), away),
    Fault("Kafka is silent", ALONE, (4, 15), silent),
    Fault("the way to Kafka is slow", ALONE, (4, 12), slow),
    Fault("every connection to Kafka is cut, twice", ALONE, (0, 3), cut),
]
DOWN_FOR_A_MINUTE: Fault[Rig] = Fault("Kafka is down for a minute", ALONE, (60, 60), away)
