"""Playing a schedule on a rig: every fault begins and ends at its time, some at once."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.faults.fault import Fault
from tests.faults.rig import Rig
from tests.faults.schedule import Planned

R = TypeVar("R", bound=Rig)
Report = Callable[[str], None]


@dataclass
class Begun:
    """A fault that lasts until `until`, in seconds since the beginning."""

    until: float
    fault: Fault[Any]
    context: AbstractContextManager[None]


def play(rig: R, plan: Sequence[Planned], faults: Sequence[Fault[R]], report: Report) -> None:
    """Play those of `plan` that are among `faults`, and return when all are over.

    It must run in the main thread, in which servers are started again. A fault that takes
    long to begin or to end delays what comes after it: no part has two at once.
    """
    by_name = {fault.name: fault for fault in faults}
    todo = [each for each in plan if each.name in by_name]
    running: list[Begun] = []
    began = time.monotonic()
    while todo or running:
        now = time.monotonic() - began
        first_over = min(running, key=lambda each: each.until, default=None)
        if first_over is not None and first_over.until <= now:
            running.remove(first_over)
            first_over.context.__exit__(None, None, None)
            report(f"{now:6.1f} s  over: {first_over.fault.name}")
        elif todo and todo[0].at <= now and _is_free(by_name[todo[0].name], running):
            each = todo.pop(0)
            report(f"{now:6.1f} s  {each.name}")
            fault = by_name[each.name]
            context = fault.play(rig, random.Random(each.seed))
            context.__enter__()
            running.append(Begun(time.monotonic() - began + each.lasts, fault, context))
        else:
            rig.tend()
            time.sleep(0.05)


def _is_free(fault: Fault[Any], running: Sequence[Begun]) -> bool:
    return all(not fault.parts & each.fault.parts for each in running)
