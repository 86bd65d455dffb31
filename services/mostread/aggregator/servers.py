"""The servers that a worker speaks to, each asked until it answers."""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from mostread.aggregator.dead_letter_writer import DeadLetters
from mostread.aggregator.event_topic import EventLog
from mostread.aggregator.lag import Lag
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.repository import ClickHouseStore
from mostread.aggregator.retry import Patience
from mostread.core.records import DeadLine
from mostread.infra.logging import get_logger

log = get_logger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Servers:
    """The store and the dead letters, each behind one thread, and the log.

    Every call is repeated until it succeeds, and raises SupersededError when `still_ours` says
    between two tries that the partitions went to another generation.
    """

    store: ClickHouseStore
    log: EventLog
    lag: Lag
    dead_letters: DeadLetters
    metrics: AggregatorMetrics
    patience: Patience
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="servers")
    )

    def close(self) -> None:
        # What hangs in a call to a server is not waited for.
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def ask_store(
        self, call: Callable[..., Result], *arguments: object, still_ours: Callable[[], bool]
    ) -> Result:
        """Return what `call`, a method of the store, returns for `arguments`."""
        return await self.patience.in_thread(
            "clickhouse",
            self._thread,
            functools.partial(call, *arguments),
            still_ours=still_ours,
        )

    async def write_dead_letters(
        self,
        topic: str,
        lines: Sequence[tuple[int, DeadLine]],
        *,
        still_ours: Callable[[], bool],
    ) -> None:
        """Write (partition, line) pairs, and return when Kafka has them."""
        if lines:
            await self.patience.in_thread(
                "kafka",
                self._thread,
                functools.partial(self.dead_letters.write, topic, lines),
                still_ours=still_ours,
            )

    def report_lost(self, partition: int, offsets: range) -> None:
        """Say that Kafka's retention removed records before they were counted, if it did."""
        if offsets:
            log.error("records_lost", partition=partition, first=offsets.start, lost=len(offsets))
            self.metrics.lost.inc(len(offsets))
