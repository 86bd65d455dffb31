"""`mostread exclude`: what an exclusion changes in the numbers of the retained log."""

import asyncio
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.repository import CounterRepository
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.core.counting.exclusions import AllExcept, Exclusions
from mostread.core.counting.partition import PartitionCounter
from mostread.core.counting.revision import Revision
from mostread.core.exclusions import Exclusion
from mostread.ops.rebuild.retained_log import ReportProgress, RetainedLog

_NEWEST = 2**63 - 1


@dataclass
class Preview:
    """The events that two sets of exclusions count differently.

    `articles` has the views, comments and likes of each. Events that Kafka received before
    `complete_since` (ms) are not in the log; it is 0 if the log is complete. `visitors` has sampled
    views.
    """

    events: int = 0
    articles: dict[str, list[int]] = field(default_factory=dict)
    visitors: Tally[str] = field(default_factory=Tally)
    complete_since: int = 0

    @property
    def numbers(self) -> list[int]:
        """Views, comments and likes of all articles."""
        return [sum(column) for column in zip(*self.articles.values(), strict=True)] or [0, 0, 0]


class Previewer:
    """Counts the log for `mostread exclude`.

    Raises KafkaUnavailable, ClickHouseUnavailable, Misconfigured and UnreadableBatch.
    """

    def __init__(
        self, settings: AggregatorSettings, log: EventTopic, repository: CounterRepository
    ) -> None:
        self._settings = settings
        self._log = log
        self._repository = repository

    async def preview(
        self,
        exclusion: Exclusion,
        others: Sequence[Exclusion],
        report_progress: ReportProgress,
    ) -> Preview:
        """Return what `exclusion` leaves out besides `others`.

        Reports the number of records read.
        """
        topic = await self._log.describe()
        epoch = await asyncio.to_thread(self._repository.current_epoch, topic)
        checkpoints = await asyncio.to_thread(self._repository.checkpoints, epoch)
        skipped = {
            number: await asyncio.to_thread(self._repository.skipped, topic.id, number)
            for number in range(topic.partitions)
        }
        log = RetainedLog(
            self._log,
            topic.partitions,
            skipped,
            batch_bytes=self._settings.aggregator_max_buffered_bytes,
        )
        difference = AllExcept(Exclusions(others), Exclusions([*others, exclusion]))
        preview = Preview()
        stable_ends = await log.stable_ends()
        for number, (first, end) in (await log.ends()).items():
            row = checkpoints.get(number)
            start = await log.find_start(number, first, end, row.checkpoint if row else None)
            if start is not None:
                preview.complete_since = max(preview.complete_since, start.checkpoint.record_time)
            # No earlier record holds an event of this time.
            time = exclusion.start - self._settings.max_clock_skew_ms
            start = await log.later_start(number, start, time)
            counter = PartitionCounter(
                start.checkpoint if start else None,
                lateness=self._settings.allowed_lateness,
                counter_capacity=1,
                exclusions=difference,
            )
            await log.remember(counter, number, start)
            excluded = _ExcludedEvents(preview)
            await log.count(counter, number, stable_ends[number], excluded.flush, report_progress)
            excluded.add_to_preview(counter)
        return preview


class _ExcludedEvents:
    """The events of one partition."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview
        self._revision = Revision()

    async def flush(self, counter: PartitionCounter) -> None:
        batch = counter.close()
        if batch is not None:
            totals = {key: _NEWEST for key in batch.added if key.grain == "total"}
            self._revision.add(batch, totals)
            self._preview.visitors.update(view.visitor for view in batch.sample.views)

    def add_to_preview(self, counter: PartitionCounter) -> None:
        outcomes = counter.checkpoint().outcomes
        self._preview.events += outcomes.counted + outcomes.late
        for key, numbers in self._revision.changes.items():
            before = self._preview.articles.get(key.article_id, [0, 0, 0])
            self._preview.articles[key.article_id] = [
                total + n for total, n in zip(before, numbers, strict=True)
            ]
