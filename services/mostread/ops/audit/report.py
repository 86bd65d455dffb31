"""What the audit says: what was compared, what could not be, and each difference."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import isinf

from mostread.infra.kafka.topics import Topic
from mostread.ops.audit.auditor import Audited
from mostread.ops.audit.diff import Difference, Scope
from mostread.ops.audit.snapshot import Outside


@dataclass
class Report:
    """Gathers what came of the partitions; of the differences it keeps the first `shown`."""

    topic: Topic
    scope: Scope
    shown: int
    partitions: list[Audited] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    different: int = 0
    outside: list[Outside] = field(default_factory=list)

    def add(self, audited: Audited) -> None:
        self.partitions.append(audited)
        for difference in audited.differences:
            self.different += 1
            if len(self.differences) < self.shown:
                self.differences.append(difference)

    def lines(self) -> Iterator[str]:
        """Yield it as sentences."""
        yield (
            f"{self.topic.name}: counted again {self._sum('events'):,} events in "
            f"{self._sum('records'):,} records of {len(self.partitions)} partitions; "
            f"compared {self._sum('compared'):,} counters"
            + (f" of site {self.scope.site}" if self.scope.site is not None else "")
        )
        yield from self._not_compared()
        for difference in self.differences:
            yield str(difference)
        if self.different > len(self.differences):
            yield f"... and {self.different - len(self.differences):,} more"
        yield f"differences: {self.different:,}" if self.different else "no differences"

    def as_json(self) -> dict[str, object]:
        """Return it for machines. A `window` and a `compared_since` are epoch seconds."""
        return {
            "topic": self.topic.name,
            "topic_id": str(self.topic.id),
            "site": self.scope.site,
            "partitions": [
                {
                    "partition": each.partition,
                    "first_offset": each.begin,
                    "records": each.records,
                    "events": each.events,
                    "counters_compared": each.compared,
                    "counters_not_compared": each.not_compared,
                    "outcomes_compared": each.scope.holds_outcomes,
                    # JSON knows no infinity: null for all, and a time that never comes.
                    "compared_since": _finite(each.scope.floor),
                    "not_counted_yet": each.uncounted,
                }
                for each in self.partitions
            ],
            "outside": [asdict(each) for each in self.outside],
            "different": self.different,
            "differences": [asdict(each) for each in self.differences],
        }

    def _not_compared(self) -> Iterator[str]:
        if uncounted := self._sum("uncounted"):
            yield f"not counted yet, so no difference: {uncounted:,} records"
        if self.scope.site is not None or self.scope.floor is not None:
            yield "not compared, as asked: what became of the events (they are not kept by site)"
        for each in self.partitions:
            floor = each.scope.floor
            if floor is not None and floor != self.scope.floor:
                since = "nothing" if isinf(floor) else f"windows from {_moment(floor)} on"
                yield (
                    f"partition {each.partition}: Kafka keeps it from offset {each.begin} on, "
                    f"so {since} could be compared and no totals"
                )
        if self.scope.floor is not None:
            yield f"compared, as asked: windows from {_moment(self.scope.floor)} on, no totals"
        if rows := self._sum("not_compared"):
            yield f"counters not compared: {rows:,}"
        for other in self.outside:
            of = f"import {other.name}" if other.name else f"another topic, {other.topic_id}"
            yield (
                f"outside this log: {other.rows:,} counters with {other.views:,} lifetime views "
                f"of {of}"
            )

    def _sum(self, name: str) -> int:
        return sum(getattr(each, name) for each in self.partitions)


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _finite(floor: float | None) -> float | None:
    return 2**53 if floor is not None and isinf(floor) else floor
