"""How many records are not counted yet."""

from collections.abc import Mapping
from contextlib import suppress

from mostread.aggregator.event_topic import EventLog
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.errors import KafkaUnavailable


class Lag:
    """The lag of our partitions, in the metric.

    Each flush tells it. While ClickHouse is away there is no flush, and just then the lag grows:
    so whoever reads the metrics has the log asked for its ends, over a connection of its own.
    """

    def __init__(self, log: EventLog, metrics: AggregatorMetrics) -> None:
        self._log = log
        self._metrics = metrics
        self._next_offsets: Mapping[int, int] = {}

    def counted(
        self, next_offsets: Mapping[int, int], ends: Mapping[int, int] | None = None
    ) -> None:
        """Each partition of ours is in the store up to here; `ends` is where the log ends."""
        self._next_offsets = next_offsets
        self._metrics.lag.clear()
        self._show(ends or {})

    async def measure(self) -> None:
        """Ask where the log ends. While Kafka is away what is known stands."""
        if self._next_offsets:
            with suppress(KafkaUnavailable):
                ends = await self._log.ends(list(self._next_offsets))
                self._show({number: end for number, (_, end) in ends.items()})

    async def close(self) -> None:
        await self._log.close()

    def _show(self, ends: Mapping[int, int]) -> None:
        for number in self._next_offsets.keys() & ends.keys():
            self._metrics.lag.labels(number).set(max(0, ends[number] - self._next_offsets[number]))
