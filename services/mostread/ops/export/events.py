"""Exports of the events topic: duplicates and late events included, forgotten ones left out."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO, NamedTuple

import msgspec

from mostread.core.counting.forgets import LastForgets
from mostread.core.csv_text import csv_lines
from mostread.core.events import CANARY_SITE
from mostread.core.records import LogRecord, decode
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.forgets import read_forgets
from mostread.infra.clickhouse.skipped_ranges import read_skipped_ranges
from mostread.infra.clock import now_ms
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import TopicReader
from mostread.infra.settings import CountingSettings
from mostread.ops.export.files import FileSpan, Format

_CLOCK_TOLERANCE_SECONDS = 300


class ExportSettings(CountingSettings, KafkaSettings, ClickHouseSettings):
    """Settings of `mostread export`."""


class ExportedEvent(NamedTuple):
    """An event with its place in the log; times are ISO 8601, in UTC."""

    record_time: str
    partition: int
    offset: int
    site: str
    article_id: str
    type: str
    delta: int
    timestamp: str | None
    id: str
    visitor: str | None


class EventExport:
    """Writes events by the day of their record, one partition after the other.

    For one thread; `close` it. All methods raise KafkaUnavailable, ClickHouseUnavailable,
    UnreadableBatch and Misconfigured.
    """

    def __init__(self, settings: ExportSettings, site: str, form: Format) -> None:
        with topics.admin(settings) as admin:
            self._topic = topics.describe(admin, settings.events_topic)
        client = connect(settings, read_only=True)
        try:
            self._skipped = read_skipped_ranges(client, self._topic.id)
            forgets = read_forgets(client, self._topic.id)
        finally:
            client.close()
        self._forgets = {number: LastForgets(each) for number, each in forgets.items()}
        self._site, self._format = site, form
        self._log = TopicReader(settings, self._topic.name)

    def close(self) -> None:
        self._log.close()

    def as_of(self) -> float:
        """Return the record time up to which the log is complete, in seconds since the epoch.

        Brokers set the time, and their clocks differ.
        """
        return now_ms() / 1000 - _CLOCK_TOLERANCE_SECONDS

    def complete_since(self) -> int:
        """Return the time (seconds since the epoch) before which retention has removed records."""
        first_times = [0]
        for partition in range(self._topic.partitions):
            first, end = self._log.offset_range(partition)
            if 0 < first < end:
                batches = self._log.read(partition, first, end, self._skipped.get(partition, ()))
                first_times += [records[0].timestamp // 1000 for records in islice(batches, 1)]
        return max(first_times)

    def write(self, period: FileSpan, out: BinaryIO) -> None:
        """Write the events whose records are of `period`, with bounded memory."""
        if self._format == "csv":
            out.write(csv_lines([ExportedEvent._fields]))
        for partition in range(self._topic.partitions):
            for records in self._read(partition, period):
                events = list(self._events(partition, records))
                if self._format == "csv":
                    out.write(csv_lines(events))
                else:
                    out.writelines(msgspec.json.encode(e._asdict()) + b"\n" for e in events)

    def _read(self, partition: int, period: FileSpan) -> Iterator[list[LogRecord]]:
        start = self._log.offset_for_time(partition, period.start * 1000)
        until = self._log.offset_for_time(partition, period.end * 1000)
        end = self._log.offset_range(partition)[1]
        if start is None:
            return
        skipped = self._skipped.get(partition, ())
        for records in self._log.read(partition, start, end if until is None else until, skipped):
            # Times may go back in a topic whose producers set them.
            within = [r for r in records if period.start <= r.timestamp // 1000 < period.end]
            if within:
                yield within

    def _events(self, partition: int, records: list[LogRecord]) -> Iterable[ExportedEvent]:
        """Yield the valid events of records; the others are among the dead letters."""
        forgets = self._forgets.get(partition)
        decoded = decode(records)
        start = 0
        for record, end in zip(records, decoded.ends, strict=True):
            record_time = _iso(record.timestamp)
            for event in decoded.events[start:end]:
                if event.site == CANARY_SITE or self._site not in ("", event.site):
                    continue
                if forgets and record.offset < forgets.offset(event.site, event.article_id):
                    continue
                yield ExportedEvent(
                    record_time,
                    partition,
                    record.offset,
                    event.site,
                    event.article_id,
                    event.type,
                    event.delta,
                    None if event.timestamp is None else _iso(event.timestamp),
                    event.id,
                    event.visitor,
                )
            start = end


def _iso(ms: int) -> str:
    time = datetime.fromtimestamp(ms / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
