"""Retries of calls to Kafka and ClickHouse until they succeed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Literal, TypeVar

from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.stream.assignment import Assignment, SupersededError
from mostread.errors import Misconfigured, Unavailable
from mostread.infra.logging import get_logger

log = get_logger(__name__)
Result = TypeVar("Result")
Dependency = Literal["kafka", "clickhouse"]
Work = Literal["counting", "articles"]

FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.1, 5.0


class Retrier:
    """Retries failed calls, and keeps the last error of each dependency for /readyz.

    Nothing is skipped: a persistent error blocks the pipeline, and stays visible in
    `last_errors`, the log and a metric.
    """

    def __init__(self, metrics: AggregatorMetrics, work: Work) -> None:
        """`work` names what waits for the calls, in the log and the metric."""
        self._metrics = metrics
        self._work = work
        self.last_errors: dict[str, str] = {}
        self._calls: dict[object, tuple[Dependency, float]] = {}

    def explain(self) -> str:
        """Return what fails, or which calls have not returned, as a sentence."""
        # From another thread: a copy, which is made at once.
        if errors := dict(self.last_errors):
            return "; ".join(f"{dependency}: {error}" for dependency, error in errors.items())
        now = time.monotonic()
        calls = [
            f"a call to {dependency} has not returned for {now - since:.0f} s"
            for dependency, since in list(self._calls.values())
        ]
        return "; ".join(calls) or "Kafka delivers no records"

    async def call(
        self,
        dependency: Dependency,
        call: Callable[[], Awaitable[Result]],
        assignment: Assignment | None = None,
    ) -> Result:
        """Return the result of `call`, repeating it until it succeeds.

        Raises SupersededError between two attempts once `assignment` is not current.
        """
        delay = FIRST_DELAY_SECONDS
        while True:
            if assignment is not None and not assignment.is_current:
                self.last_errors.pop(dependency, None)
                raise SupersededError
            attempt = object()
            self._calls[attempt] = dependency, time.monotonic()
            try:
                result = await call()
            except (Unavailable, Misconfigured) as error:
                message = str(error)
                if self.last_errors.get(dependency) != message:
                    log.warning(
                        "dependency_failed",
                        dependency=dependency,
                        work=self._work,
                        error=message,
                    )
                self.last_errors[dependency] = message
                self._metrics.retries.labels(dependency, self._work).inc()
                await asyncio.sleep(delay)
                delay = min(2 * delay, MAX_DELAY_SECONDS)
            else:
                if self.last_errors.pop(dependency, None):
                    log.info("dependency_recovered", dependency=dependency, work=self._work)
                return result
            finally:
                del self._calls[attempt]

    async def call_in_thread(
        self,
        dependency: Dependency,
        executor: Executor,
        call: Callable[..., Result],
        *arguments: object,
        assignment: Assignment | None = None,
    ) -> Result:
        """Return the result of a blocking call, run by `executor`; see `call`."""
        loop = asyncio.get_running_loop()
        return await self.call(
            dependency, lambda: loop.run_in_executor(executor, call, *arguments), assignment
        )
