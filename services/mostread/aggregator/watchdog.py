"""Watchdog: restart a worker that has work and writes nothing, once.

A call that never returns, a consumer that gets no records and a hung event loop look the same from
outside: partitions are held and not counted. A restart helps if the cause lies in this process, and
lets other workers take the partitions meanwhile. It does not help if the cause lies elsewhere, so a
second one comes only after something was written: an outage costs each worker one restart.
"""

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import NoReturn

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.infra.logging import get_logger

log = get_logger(__name__)

RESTARTED = "_MOSTREAD_RESTARTED_BY_WATCHDOG"
"""Environment variable by which a worker knows that the watchdog has started it."""

TICKS = 20
MAX_TICK_SECONDS = 5.0
STOP_SECONDS = 10.0
"""Time beyond that of an orderly shutdown after which the process is replaced anyway."""


class StuckError(Exception):
    """The worker has work and has written nothing for too long."""


class Watchdog:
    """Watches what the worker reports, from a thread that a hung event loop does not stop."""

    def __init__(
        self,
        settings: AggregatorSettings,
        *,
        explain: Callable[[], str],
        metrics: AggregatorMetrics,
        restart: Callable[[], object],
    ) -> None:
        """`explain` says what the worker waits for; `restart` replaces the process."""
        self._seconds = settings.aggregator_watchdog_seconds
        self._grace = settings.aggregator_shutdown_timeout_seconds + STOP_SECONDS
        self._explain = explain
        self._stuck = metrics.stuck
        self._restart = restart
        self._restarted = RESTARTED in os.environ
        self._next_offsets: Mapping[int, int] = {}
        self._has_work = False
        self._progress = 0
        self._wrote = False
        self._answers = True
        self._fired = asyncio.Event()
        self._stopped = threading.Event()
        self.reason: str | None = None
        """Why the worker is stuck although it was restarted, for /readyz."""

    def start(self) -> None:
        """Watch the running event loop until `stop`."""
        if self._seconds:
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._watch, args=(loop,), name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    async def wait(self) -> NoReturn:
        """Wait until the worker should restart. Raises StuckError then."""
        await self._fired.wait()
        raise StuckError("the worker had work and wrote nothing")

    def expect_write(self) -> None:
        """Start the time, unless it runs: records have arrived, or partitions are assigned."""
        self._has_work = True

    def report_progress(self) -> None:
        """Restart the time: recovery has read records."""
        self._progress += 1

    def report_recovery(self, next_offsets: Mapping[int, int]) -> None:
        """Report that the assigned partitions are recovered, each up to its next offset."""
        self._next_offsets = next_offsets
        self._progress += 1
        self._has_work = bool(next_offsets)

    def report_checkpoint(self, next_offsets: Mapping[int, int], ends: Mapping[int, int]) -> None:
        """Report the written checkpoints, and the ends of their partitions before that.

        Checkpoints that do not move do not count while records wait.
        """
        behind = any(offset < ends[number] for number, offset in next_offsets.items())
        if next_offsets != self._next_offsets or not behind:
            self._next_offsets = next_offsets
            self._progress += 1
            self._wrote = True
        self._has_work = behind

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        # Ticks and not a clock: a suspended process must not count as stuck when it continues.
        tick = min(self._seconds / TICKS, MAX_TICK_SECONDS)
        progress, silent = self._progress, 0.0
        while not self._stopped.wait(tick):
            hangs = not self._answers
            if not hangs:
                self._answers = False
                loop.call_soon_threadsafe(self._answer)
            if self._wrote:
                self._wrote = False
                self._recover()
            if progress != self._progress or not (self._has_work or hangs):
                progress, silent = self._progress, 0.0
                continue
            silent += tick
            if silent >= self._seconds and self.reason is None:
                self._fire(loop, silent, hangs=hangs)

    def _answer(self) -> None:
        self._answers = True

    def _recover(self) -> None:
        """Allow a restart again, since something was written."""
        if self._restarted:
            self._restarted = False
            os.environ.pop(RESTARTED, None)
        if self.reason is not None:
            log.info("watchdog_recovered", reason=self.reason)
            self._stuck.set(0)
            self.reason = None

    def _fire(self, loop: asyncio.AbstractEventLoop, silent: float, *, hangs: bool) -> None:
        cause = f"the event loop hangs in {_main_stack()}" if hangs else self._explain()
        reason = f"the worker has work, but has written nothing for {silent:.0f} s: {cause}"
        if self._restarted:
            reason += "; a restart has not helped"
            log.error("watchdog_gave_up", reason=reason)
            self._stuck.set(1)
            self.reason = reason
            return
        log.error("watchdog_restarts", reason=reason)
        os.environ[RESTARTED] = "1"
        loop.call_soon_threadsafe(self._fired.set)
        if hangs or not self._stopped.wait(self._grace):
            self._restart()


def _main_stack() -> str:
    """Return the innermost calls of the main thread."""
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    calls = traceback.extract_stack(frame)[-3:]
    return " > ".join(f"{call.name} ({call.filename}:{call.lineno})" for call in calls)
