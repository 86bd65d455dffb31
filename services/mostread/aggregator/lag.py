"""Consumer lag: how many records are not counted yet."""

from collections.abc import Mapping
from contextlib import suppress

from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.errors import KafkaUnavailable


class Lag:
    """Lag metric of the assigned partitions.

    Each checkpoint updates it. While ClickHouse is unavailable no checkpoint succeeds and the lag
    grows. So every scrape also reads the ends of the partitions from Kafka, over a separate
    connection.
    """

    def __init__(self, topic: EventTopic, metrics: AggregatorMetrics) -> None:
        """Use a `topic` of its own, so that scrapes and checkpoints do not wait for each other."""
        self._topic = topic
        self._metrics = metrics
        self._next_offsets: Mapping[int, int] = {}

    def update(
        self, next_offsets: Mapping[int, int], ends: Mapping[int, int] | None = None
    ) -> None:
        """Set the next offset to count and the end of each partition."""
        self._next_offsets = next_offsets
        self._metrics.lag.clear()
        self._show(ends or {})

    async def measure(self) -> None:
        """Update the lag from Kafka; keep it if Kafka is unavailable."""
        if self._next_offsets:
            with suppress(KafkaUnavailable):
                ranges = await self._topic.offset_ranges(list(self._next_offsets))
                self._show({number: end for number, (_, end) in ranges.items()})

    def _show(self, ends: Mapping[int, int]) -> None:
        for number in self._next_offsets.keys() & ends.keys():
            self._metrics.lag.labels(number).set(max(0, ends[number] - self._next_offsets[number]))
