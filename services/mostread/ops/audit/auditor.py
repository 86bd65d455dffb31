"""Audit of the events topic, one partition at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mostread.core.exclusions import Exclusion
from mostread.core.records import LogRecord
from mostread.core.skipped import SkippedRange
from mostread.errors import Unavailable
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import TopicReader
from mostread.infra.kafka.topics import Topic
from mostread.infra.settings import CountingSettings
from mostread.ops.audit.diff import Difference, Scope, find_differences
from mostread.ops.audit.reference import DEDUP_MS, Recount, recount
from mostread.ops.audit.snapshot import CounterReader, ForeignCounters, Snapshot


class AuditSettings(CountingSettings, KafkaSettings, ClickHouseSettings):
    """Settings of `mostread audit`."""


ReportProgress = Callable[[int], None]
"""Called with the number of records read since the previous call."""


@dataclass
class PartitionAudit:
    """The audit of a partition whose log is complete from offset `begin` on.

    `scope` is what was compared; its floor may be higher than requested. `lost` records were never
    counted, among them those of `skipped` ranges.
    """

    partition: int
    begin: int
    lost: int
    skipped: Sequence[SkippedRange]
    scope: Scope
    records: int
    events: int
    excluded: int
    compared: int
    not_compared: int
    uncounted: int
    differences: Iterator[Difference] = field(repr=False)


def take_snapshot(
    counters: CounterReader, log: TopicReader, partition: int, *, exists: bool, since: int | None
) -> Snapshot:
    """Return a snapshot of a partition; one that no longer exists has an empty log."""
    checkpoint = counters.checkpoint(partition)
    rows = counters.counters(partition, since or 0)
    skipped = counters.skipped(partition)
    begin, end = log.offset_range(partition) if exists else (0, 0)
    return Snapshot(partition, checkpoint, rows, skipped, begin, end)


def audit_partition(
    snapshot: Snapshot,
    log: TopicReader,
    settings: AuditSettings,
    scope: Scope,
    report_progress: ReportProgress,
    *,
    exclusions: Sequence[Exclusion] = (),
) -> PartitionAudit:
    """Recount the log of a partition from `scope.floor`, if set, and compare.

    Events of a window are in records from the maximum clock skew before its start, and the dedup
    window before that decides which of them are duplicates.
    """
    margin_ms = DEDUP_MS + settings.max_clock_skew_ms
    limit = snapshot.checkpoint.next_offset - 1
    start = snapshot.begin
    if scope.floor is not None and snapshot.end > snapshot.begin:
        offset = log.offset_for_time(snapshot.partition, int(scope.floor * 1000) - margin_ms)
        start = snapshot.end if offset is None else max(offset, snapshot.begin)
    recounted = recount(
        _read_records(log, snapshot, start, report_progress),
        limit=limit,
        limits={
            key: counter.version
            for key, counter in snapshot.counters.items()
            if counter.version > limit
        },
        allowed_lateness_ms=settings.allowed_lateness_ms,
        max_clock_skew_ms=settings.max_clock_skew_ms,
        exclusions=exclusions,
    )
    if start == snapshot.begin > 0:
        scope = replace(scope, floor=_complete_since(scope.floor, recounted, margin_ms))
    in_scope = sum(scope.includes(key) for key in snapshot.counters)
    return PartitionAudit(
        snapshot.partition,
        snapshot.begin,
        snapshot.checkpoint.lost,
        snapshot.skipped,
        scope,
        recounted.records,
        recounted.events,
        recounted.outcomes.get("excluded", 0),
        in_scope,
        len(snapshot.counters) - in_scope,
        snapshot.uncounted,
        find_differences(snapshot, recounted, scope),
    )


def _complete_since(floor: float | None, recounted: Recount, margin_ms: int) -> float:
    """Return the time (epoch seconds) from which windows are complete in a truncated log.

    The removed records contained no event of these windows, and no first event of a duplicate in
    them.
    """
    if recounted.first_time < 0:
        return float("inf")
    return max(floor or 0, (recounted.first_time + margin_ms) / 1000)


def _read_records(
    log: TopicReader, snapshot: Snapshot, start: int, report_progress: ReportProgress
) -> Iterator[LogRecord]:
    offset, until = start, snapshot.until
    for records in log.read(snapshot.partition, start, until, snapshot.skipped):
        yield from records
        next_offset = records[-1].offset + 1 if records else offset
        report_progress(next_offset - offset)
        offset = next_offset
    report_progress(max(0, until - offset))


class Auditor:
    """Audits the events topic. For one thread; `close` it.

    All methods raise KafkaUnavailable, ClickHouseUnavailable and Misconfigured.
    """

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self.topic = self._describe_topic()
        self._client = connect(settings, read_only=True)
        self._counters = CounterReader(self._client, self.topic)
        self._log = TopicReader(settings, settings.events_topic)
        self._table_ids = self._counters.table_ids()
        self.exclusions = self._counters.exclusions()

    def close(self) -> None:
        self._client.close()
        self._log.close()

    def record_count(self) -> int:
        """Return the approximate number of records to read."""
        ends = [self._log.offset_range(number) for number in range(self.topic.partitions)]
        return sum(end - begin for begin, end in ends)

    def audit_partitions(
        self, scope: Scope, report_progress: ReportProgress
    ) -> Iterator[PartitionAudit]:
        """Yield an audit per partition; consume its differences before the next."""
        # ClickHouse first: a partition that is added afterwards is in the topic as well.
        counted = self._counters.partitions()
        existing = set(range(self._describe_topic().partitions))
        for number in sorted(counted | existing):
            snapshot = take_snapshot(
                self._counters,
                self._log,
                number,
                exists=number in existing,
                since=int(scope.floor) if scope.floor is not None else None,
            )
            self._check_unchanged()
            yield audit_partition(
                snapshot,
                self._log,
                self._settings,
                scope,
                report_progress,
                exclusions=self.exclusions,
            )
            self._check_unchanged()

    def foreign_counters(self) -> list[ForeignCounters]:
        """Return the counters of imports and of recreated topics."""
        return self._counters.foreign_counters()

    def _describe_topic(self) -> Topic:
        with topics.admin(self._settings) as client:
            return topics.describe(client, self._settings.events_topic)

    def _check_unchanged(self) -> None:
        """Raise Unavailable if the topic or the tables were replaced since the start."""
        if self._describe_topic().id != self.topic.id:
            raise Unavailable(
                f"the topic {self.topic.name} was recreated during the audit; run it again"
            )
        if self._counters.table_ids() != self._table_ids:
            raise Unavailable("the tables were rebuilt during the audit; run it again")
