"""Which faults when: by chance, and the same for the same seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.fault import Fault

FIRST_AT = 3.0
RECOVERY = (2.0, 6.0)
"""How many seconds a part is left alone after a fault."""


@dataclass(frozen=True)
class Planned:
    """A fault from `at` on, in seconds since the beginning, for `lasts` seconds."""

    at: float
    lasts: float
    name: str
    seed: int

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  for {self.lasts:4.1f} s  {self.name}"


def schedule(seed: int, seconds: float, faults: Sequence[Fault[Any]]) -> list[Planned]:
    """Return what happens within `seconds`, in the order of its beginning.

    Every fault comes once before any comes again. Faults of different parts overlap.
    """
    chance = random.Random(seed)
    free = dict.fromkeys((part for fault in faults for part in fault.parts), FIRST_AT)
    planned: list[Planned] = []
    now = FIRST_AT
    deck: list[Fault[Any]] = []
    while True:
        deck = deck or chance.sample(faults, len(faults))
        fault = deck.pop()
        at = max(now, *(free[part] for part in fault.parts))
        lasts = chance.uniform(*fault.lasts)
        if at + lasts > seconds:
            return planned
        planned.append(Planned(round(at, 1), round(lasts, 1), fault.name, chance.getrandbits(32)))
        for part in sorted(fault.parts, key=lambda part: part.value):
            free[part] = at + lasts + chance.uniform(*RECOVERY)
        now = at + chance.uniform(0.5, 4.0)
