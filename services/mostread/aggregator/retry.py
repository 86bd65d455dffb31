"""Waiting out what passes: a call is repeated until it succeeds, and says meanwhile why not."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import TypeVar

from mostread.aggregator.metrics import AggregatorMetrics
from mostread.errors import LogInconsistent, Misconfigured, Unavailable
from mostread.infra.logging import get_logger

log = get_logger(__name__)
Result = TypeVar("Result")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class SupersededError(Exception):
    """The partitions were assigned anew: what was going on is no longer ours."""


class Patience:
    """Repeats calls, and holds what is wrong just now for /readyz.

    Nothing is ever skipped: an error that does not pass stops the way, with its cause here,
    in the log and in a metric.
    """

    def __init__(self, metrics: AggregatorMetrics) -> None:
        self._metrics = metrics
        self.troubles: dict[str, str] = {}

    async def in_thread(
        self,
        part: str,
        executor: Executor,
        call: Callable[[], Result],
        *,
        still_ours: Callable[[], bool],
    ) -> Result:
        """Return what `call`, which blocks, returns at last; see `until_done`."""
        loop = asyncio.get_running_loop()
        return await self.until_done(
            part, lambda: loop.run_in_executor(executor, call), still_ours=still_ours
        )

    async def until_done(
        self,
        part: str,
        call: Callable[[], Awaitable[Result]],
        *,
        still_ours: Callable[[], bool],
    ) -> Result:
        """Return what `call` returns at last; `part` names what it speaks to.

        Raises SupersededError as soon as `still_ours` says so between two tries.
        """
        pause = FIRST_PAUSE
        while True:
            if not still_ours():
                self.troubles.pop(part, None)
                raise SupersededError
            try:
                result = await call()
            except (Unavailable, Misconfigured, LogInconsistent) as error:
                if self.troubles.get(part) != str(error):
                    log.warning("dependency_failed", part=part, error=str(error))
                self.troubles[part] = str(error)
                self._metrics.troubles.labels(part).inc()
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                if self.troubles.pop(part, None):
                    log.info("dependency_recovered", part=part)
                return result
