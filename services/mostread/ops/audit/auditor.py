"""One partition audited: what ClickHouse says first, then the log up to there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from mostread.core.records import LogRecord
from mostread.errors import Unavailable
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import TopicReader
from mostread.infra.kafka.topics import Topic
from mostread.infra.settings import CountingSettings
from mostread.ops.audit.diff import Difference, Scope, differences
from mostread.ops.audit.reference import MEMORY_MS, Recount, recount
from mostread.ops.audit.snapshot import CountedStore, Outside, Snapshot


class AuditSettings(CountingSettings, KafkaSettings, ClickHouseSettings):
    """Where the log and the counters are, and the rules that they were counted by."""


Read = Callable[[int], None]
"""Called with how many more records are read."""


@dataclass
class Audited:
    """What came of a partition, whose log begins at the offset `begin`. `scope` is what was
    compared: its floor may be higher than was asked for.
    """

    partition: int
    begin: int
    scope: Scope
    records: int
    events: int
    compared: int
    not_compared: int
    uncounted: int
    differences: Iterator[Difference] = field(repr=False)


def snapshot(
    store: CountedStore, log: TopicReader, partition: int, *, exists: bool, since: int | None
) -> Snapshot:
    """Return what is said of `partition` now; one that does not exist has an empty log."""
    progress = store.progress(partition)
    counters = store.counters(partition, since or 0)
    begin, end = log.offset_range(partition) if exists else (0, 0)
    return Snapshot(partition, progress, counters, begin, end)


def audit_partition(
    said: Snapshot, log: TopicReader, settings: AuditSettings, scope: Scope, read: Read
) -> Audited:
    """Count the log of a partition again, and compare. `scope.floor` is where to begin, if set.

    Of the log it takes what has to do with that: the events of a window lie in it from
    `future` before the window on, and 35 minutes more say which of them are duplicates.
    """
    reach_ms = MEMORY_MS + settings.future_ms
    limit = said.progress.next_offset - 1
    start = said.begin
    if scope.floor is not None and said.end > said.begin:
        found = log.offset_for_time(said.partition, int(scope.floor * 1000) - reach_ms)
        start = said.end if found is None else found
    recounted = recount(
        _records(log, said.partition, start, said.until, read),
        limit=limit,
        limits={key: row.version for key, row in said.counters.items() if row.version > limit},
        late_ms=settings.late_ms,
        future_ms=settings.future_ms,
    )
    if start == said.begin > 0:
        scope = replace(scope, floor=_floor(scope.floor, recounted, reach_ms))
    in_scope = sum(scope.holds(key) for key in said.counters)
    return Audited(
        said.partition,
        said.begin,
        scope,
        recounted.records,
        recounted.events,
        in_scope,
        len(said.counters) - in_scope,
        said.uncounted,
        differences(said, recounted, scope),
    )


def _floor(asked: float | None, recounted: Recount, reach_ms: int) -> float:
    """Return from when on (epoch seconds) windows can be compared where the log has lost its
    beginning: no event of them, and no first event of a duplicate in them, lay there.
    """
    if recounted.first_time < 0:
        return float("inf")
    return max(asked or 0, (recounted.first_time + reach_ms) / 1000)


def _records(
    log: TopicReader, partition: int, start: int, until: int, read: Read
) -> Iterator[LogRecord]:
    at = start
    for records in log.read(partition, start, until) if start < until else ():
        yield from records
        reached = records[-1].offset + 1 if records else at
        read(reached - at)
        at = reached
    read(max(0, until - at))


class Audit:
    """An audit of the events topic as it is now. For one thread; `close` it.

    All methods raise KafkaUnavailable, ClickHouseUnavailable and Misconfigured.
    """

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self.topic = self._topic()
        self._client = connect(settings)
        self._store = CountedStore(self._client, self.topic)
        self._log = TopicReader(settings, settings.events_topic)
        self._tables = self._store.tables()

    def close(self) -> None:
        self._client.close()
        self._log.close()

    def size(self) -> int:
        """Return how many records there are to read, more or less."""
        ends = [self._log.offset_range(number) for number in range(self.topic.partitions)]
        return sum(end - begin for begin, end in ends)

    def partitions(self, scope: Scope, read: Read) -> Iterator[Audited]:
        """Audit one partition after the other; each has to be done with before the next."""
        # ClickHouse is asked first: the topic has what is added meanwhile, not the other way.
        counted = self._store.partitions()
        existing = set(range(self._topic().partitions))
        for number in sorted(counted | existing):
            said = snapshot(
                self._store,
                self._log,
                number,
                exists=number in existing,
                since=int(scope.floor) if scope.floor is not None else None,
            )
            self._check_same()
            yield audit_partition(said, self._log, self._settings, scope, read)
            self._check_same()

    def outside(self) -> list[Outside]:
        """Return the counters that are not of this topic."""
        return self._store.outside()

    def _topic(self) -> Topic:
        with topics.admin(self._settings) as client:
            return topics.describe(client, self._settings.events_topic)

    def _check_same(self) -> None:
        """Raise Unavailable where the topic or the tables were exchanged meanwhile."""
        if self._topic().id != self.topic.id:
            raise Unavailable(f"{self.topic.name} was made again meanwhile; run the audit again")
        if self._store.tables() != self._tables:
            raise Unavailable("the tables were rebuilt meanwhile; run the audit again")
