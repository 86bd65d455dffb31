"""Snapshot of a partition: counters and checkpoint in ClickHouse, then offsets in Kafka."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from mostread.core.exclusions import Exclusion, in_effect
from mostread.core.skipped import SkippedRange, readable_ranges
from mostread.infra.clickhouse.client import query_rows, read_sql, translate_errors
from mostread.infra.clickhouse.exclusions import read_exclusions
from mostread.infra.clickhouse.skipped_ranges import read_skipped_ranges
from mostread.infra.kafka.topics import Topic
from mostread.ops.audit.reference import Key, Numbers

_SQL = Path(__file__).parent / "sql"
_OUTCOMES = ("received", "counted", "duplicate", "late", "dead_lettered", "excluded")


class StoredCounter(NamedTuple):
    """A row of `counter_versions`; `version` is the offset of the last record counted."""

    numbers: Numbers
    version: int


@dataclass(frozen=True)
class AuditedCheckpoint:
    """A row of `checkpoint_versions`: records below `next_offset` are counted.

    Except for the `lost` ones. `outcomes` omits outcomes that did not occur.
    """

    next_offset: int = 0
    lost: int = 0
    record_time: int = -1
    outcomes: tuple[tuple[str, int], ...] = ()


@dataclass
class Snapshot:
    """Rows of a partition in ClickHouse, and then the offsets of its log.

    Read in this order, a record that is counted is also before the end of the log, and a range
    that counting has skipped is in `skipped`.
    """

    partition: int
    checkpoint: AuditedCheckpoint
    counters: dict[Key, StoredCounter]
    skipped: Sequence[SkippedRange]
    first_offset: int
    end: int

    @property
    def begin(self) -> int:
        """The offset from which on the log still has whatever was counted.

        A range that was counted and became unreadable later ends what lies before it.
        """
        ends = (each.next_offset for each in self.skipped if each.counted_until > each.first_offset)
        return max(self.first_offset, *ends, 0)

    @property
    def skipped_records(self) -> int:
        """Offsets that counting has passed because they were skipped."""
        until = self.checkpoint.next_offset
        uncounted = [
            each._replace(first_offset=max(each.first_offset, each.counted_until))
            for each in self.skipped
            if each.counted_until < each.next_offset
        ]
        return until - sum(len(part) for part in readable_ranges(0, until, uncounted))

    @property
    def until(self) -> int:
        """The offset after the last record that any counter includes."""
        versions = (counter.version for counter in self.counters.values())
        return min(self.end, max(self.checkpoint.next_offset, 1 + max(versions, default=-1)))

    @property
    def uncounted(self) -> int:
        return max(0, self.end - max(self.checkpoint.next_offset, self.begin))


@dataclass(frozen=True)
class ForeignCounters:
    """Counters of another topic id: number of rows, and lifetime views in them.

    `import_name` is empty for a topic that was recreated.
    """

    topic_id: str
    import_name: str
    rows: int
    views: int


class CounterReader:
    """Reads the tables. For one thread; raises ClickHouseUnavailable or Misconfigured."""

    def __init__(self, client: Client, topic: Topic) -> None:
        self._client = client
        self._topic = topic

    def exclusions(self) -> tuple[Exclusion, ...]:
        """Return the exclusions that the tables leave out."""
        ((epoch,),) = self._rows("epoch")
        return in_effect(read_exclusions(self._client), epoch)

    def table_ids(self) -> Sequence[str]:
        """Return the UUIDs of the tables, which change with `mostread rebuild`."""
        return [row[0] for row in self._rows("table_ids")]

    def partitions(self) -> set[int]:
        """Return the partitions that have rows."""
        return {row[0] for row in self._rows("partitions")}

    def checkpoint(self, partition: int) -> AuditedCheckpoint:
        """Return the checkpoint of a partition."""
        for row in self._rows("checkpoint", partition=partition):
            next_offset, lost, record_time, *numbers = row
            outcomes = zip(_OUTCOMES, numbers, strict=True)
            return AuditedCheckpoint(
                next_offset, lost, record_time, tuple((name, n) for name, n in outcomes if n)
            )
        return AuditedCheckpoint()

    def skipped(self, partition: int) -> Sequence[SkippedRange]:
        """Return the skipped ranges of a partition, sorted by offset."""
        return read_skipped_ranges(self._client, self._topic.id).get(partition, [])

    def counters(self, partition: int, since: int) -> dict[Key, StoredCounter]:
        """Return the counters of a partition, about 400 bytes each.

        Only windows that start at `since` (epoch seconds) or later; all for 0.
        """
        counters: dict[Key, StoredCounter] = {}
        parameters = {"topic": str(self._topic.id), "partition": partition, "since": since}
        with (
            translate_errors(),
            self._client.query_rows_stream(
                read_sql(_SQL, "counters"),
                parameters=parameters,
                # The client's timeout is that of a block; all of them may take far longer.
                settings={"max_execution_time": 0},
            ) as rows,
        ):
            for site, grain, window, article, views, comments, likes, version in rows:
                key = (site, grain, window, article)
                counters[key] = StoredCounter((views, comments, likes), version)
        return counters

    def foreign_counters(self) -> list[ForeignCounters]:
        """Return the counters of imports and of recreated topics."""
        return [ForeignCounters(*row) for row in self._rows("foreign_counters")]

    def _rows(self, name: str, **parameters: object) -> Sequence[Sequence[Any]]:
        parameters["topic"] = str(self._topic.id)
        return query_rows(self._client, _SQL, name, **parameters)
