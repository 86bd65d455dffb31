"""Faults of a collector."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault, Part
from tests.faults.moment import Moment
from tests.faults.proxy import Spring
from tests.faults.rig import Mostread

# A frame of Kafka's protocol: the key of Produce, its version, a number, who asks.
PRODUCE = rb"\x00\x00\x00[\x00-\x14].{4}\x00\x12mostread-collector"


@contextmanager
def killed_before_its_answer(rig: Mostread, _: random.Random) -> Iterator[None]:
    """Kill the collector between Kafka's acknowledgement and its response."""
    # Whose connection was caught is not known: both die.
    collectors = list(rig.collectors.all())

    def kill() -> None:
        for collector in collectors:
            rig.collectors.kill(collector)

    trap = rig.kafka_line.trap(PRODUCE, Spring.HOLD_ANSWER)
    killing = Moment(trap.answered, kill)
    yield
    if not killing.came():
        rig.missed += 1
        kill()
    rig.kafka_line.remove_trap()
    for collector in collectors:
        rig.collectors.start(collector)


@contextmanager
def terminated(rig: Mostread, chance: random.Random) -> Iterator[None]:
    collector = rig.collectors.one(chance.randrange(9))
    rig.collectors.stop(collector)
    yield
    rig.collectors.start(collector)


@contextmanager
def killed(rig: Mostread, chance: random.Random) -> Iterator[None]:
    collector = rig.collectors.one(chance.randrange(9))
    rig.collectors.kill(collector)
    yield
    rig.collectors.start(collector)


FAULTS: list[Fault[Mostread]] = [
    Fault(
        "collectors end by kill -9 between Kafka's acknowledgement and their answer",
        # The trap is on the connection to Kafka, which must continue meanwhile.
        frozenset({Part.COLLECTORS, Part.KAFKA}),
        (0, 3),
        killed_before_its_answer,
    ),
    Fault("a collector ends by SIGTERM", frozenset({Part.COLLECTORS}), (0, 4), terminated),
    Fault("a collector ends by kill -9", frozenset({Part.COLLECTORS}), (0, 4), killed),
]
