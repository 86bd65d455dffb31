"""What ClickHouse says was counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from mostread.infra.clickhouse.client import read_sql, translate_errors
from mostread.infra.kafka.topics import Topic
from mostread.ops.audit.reference import Key, Numbers

_SQL = Path(__file__).parent / "sql"
_OUTCOMES = ("received", "counted", "duplicate", "late", "dead_lettered")


class Counted(NamedTuple):
    """A row of `counters`: its numbers, and the offset of the last record in them."""

    numbers: Numbers
    version: int


@dataclass(frozen=True)
class Progress:
    """A row of `checkpoints`: all below `next_offset` is counted. `outcomes` leaves out noughts."""

    next_offset: int = 0
    record_time: int = -1
    outcomes: tuple[tuple[str, int], ...] = ()


@dataclass
class Snapshot:
    """What ClickHouse says of a partition, and then where its log ends.

    In this order: a row that is counted before the end was asked for lies in the log.
    """

    partition: int
    progress: Progress
    counters: dict[Key, Counted]
    begin: int
    end: int

    @property
    def until(self) -> int:
        """The offset up to which anything is counted, exclusive."""
        versions = (counted.version for counted in self.counters.values())
        return min(self.end, max(self.progress.next_offset, 1 + max(versions, default=-1)))

    @property
    def uncounted(self) -> int:
        return max(0, self.end - max(self.progress.next_offset, self.begin))


@dataclass(frozen=True)
class Outside:
    """Rows that are not of the log's topic: how many, and the lifetime views in them.

    `name` is that of an import, empty for a topic that was made again.
    """

    topic_id: str
    name: str
    rows: int
    views: int


class CountedStore:
    """Reads the tables. For one thread; raises ClickHouseUnavailable or Misconfigured."""

    def __init__(self, client: Client, topic: Topic) -> None:
        self._client = client
        self._topic = topic

    def tables(self) -> Sequence[str]:
        """Return what the tables are known by; others after `mostread rebuild`."""
        return [row[0] for row in self._rows("tables")]

    def partitions(self) -> set[int]:
        """Return the partitions of which anything was counted."""
        return {row[0] for row in self._rows("partitions")}

    def progress(self, partition: int) -> Progress:
        """Return how far a partition is counted."""
        for next_offset, record_time, *numbers in self._rows("checkpoint", partition=partition):
            outcomes = zip(_OUTCOMES, numbers, strict=True)
            return Progress(next_offset, record_time, tuple(each for each in outcomes if each[1]))
        return Progress()

    def counters(self, partition: int, since: int) -> dict[Key, Counted]:
        """Return the counters of a partition; with `since` (epoch seconds, or 0) only windows
        that start then or later. About 400 bytes each.
        """
        found: dict[Key, Counted] = {}
        parameters = {"topic": str(self._topic.id), "partition": partition, "since": since}
        with (
            translate_errors(),
            self._client.query_rows_stream(
                read_sql(_SQL, "counters"), parameters=parameters
            ) as rows,
        ):
            for site, grain, window, article, views, comments, likes, version in rows:
                key = (site, grain, window, article)
                found[key] = Counted((views, comments, likes), version)
        return found

    def outside(self) -> list[Outside]:
        """Return the counters of other topics, and of none."""
        return [Outside(*row) for row in self._rows("other_topics")]

    def _rows(self, name: str, **parameters: object) -> Sequence[Sequence[Any]]:
        parameters["topic"] = str(self._topic.id)
        with translate_errors():
            rows: Sequence[Sequence[Any]] = self._client.query(
                read_sql(_SQL, name), parameters=parameters
            ).result_rows
        return rows
