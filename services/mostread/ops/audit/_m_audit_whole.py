"""The whole topic audited, partition by partition."""

from collections.abc import Iterator

from mostread.ops.audit.snapshot import CountedStore, Outside
from mostread.ops.audit.diff import Scope
from mostread.ops.audit.auditor import Audited, Read, audit_partition, snapshot
from mostread.ops.audit._m_audit_settings import AuditSettings
from mostread.infra.clickhouse.client import connect
from mostread.errors import Unavailable
from mostread.infra.kafka import topics
from mostread.infra.kafka.reader import TopicReader
from mostread.infra.kafka.topics import Topic


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
        ends = [self._log.ends(number) for number in range(self.topic.partitions)]
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
