"""Audit reports as text and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import isinf

from mostread.core.exclusions import Exclusion
from mostread.infra.kafka.topics import Topic
from mostread.ops.audit.auditor import PartitionAudit
from mostread.ops.audit.diff import Difference, Scope
from mostread.ops.audit.snapshot import ForeignCounters

_NEVER = 2**53


@dataclass
class AuditReport:
    """Collects audits of partitions; keeps the first `max_differences` differences."""

    topic: Topic
    scope: Scope
    max_differences: int
    exclusions: Sequence[Exclusion] = ()
    partitions: list[PartitionAudit] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    difference_count: int = 0
    foreign_counters: list[ForeignCounters] = field(default_factory=list)

    def add(self, audit: PartitionAudit) -> None:
        self.partitions.append(audit)
        for difference in audit.differences:
            self.difference_count += 1
            if len(self.differences) < self.max_differences:
                self.differences.append(difference)

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        yield (
            f"{self.topic.name}: recounted {self._sum('events'):,} events in "
            f"{self._sum('records'):,} records of {len(self.partitions)} partitions; "
            f"compared {self._sum('compared'):,} counters"
            + (f" of site {self.scope.site}" if self.scope.site is not None else "")
        )
        yield from self._limitations()
        for difference in self.differences:
            yield str(difference)
        if self.difference_count > len(self.differences):
            yield f"... and {self.difference_count - len(self.differences):,} more"
        if self.difference_count:
            yield f"differences: {self.difference_count:,}"
        else:
            yield "no differences"

    def as_json(self) -> dict[str, object]:
        """Return the report as a JSON object; `window` and `compared_since` in epoch seconds."""
        return {
            "topic": self.topic.name,
            "topic_id": str(self.topic.id),
            "site": self.scope.site,
            "partitions": [
                {
                    "partition": audit.partition,
                    "first_offset": audit.begin,
                    "lost_records": audit.lost,
                    "skipped_ranges": [each._asdict() for each in audit.skipped],
                    "records": audit.records,
                    "events": audit.events,
                    "excluded_events": audit.excluded,
                    "counters_compared": audit.compared,
                    "counters_not_compared": audit.not_compared,
                    "outcomes_compared": audit.scope.includes_outcomes,
                    # null: everything was compared.
                    "compared_since": _finite(audit.scope.floor),
                    "uncounted_records": audit.uncounted,
                }
                for audit in self.partitions
            ],
            "exclusions": [each.id for each in self.exclusions],
            "foreign_counters": [asdict(counters) for counters in self.foreign_counters],
            "difference_count": self.difference_count,
            "differences": [asdict(difference) for difference in self.differences],
        }

    def _limitations(self) -> Iterator[str]:
        if uncounted := self._sum("uncounted"):
            yield f"not counted yet, and not a difference: {uncounted:,} records"
        if self.scope.site is not None or self.scope.floor is not None:
            yield "not compared, as requested: outcomes of events, which are not stored by site"
        if self.exclusions:
            yield (
                f"exclusions in effect: {len(self.exclusions):,}, which leave out "
                f"{self._sum('excluded'):,} events; see `mostread exclude list`"
            )
        for audit in self.partitions:
            if audit.lost:
                yield (
                    f"partition {audit.partition}: {audit.lost:,} records were lost: removed or "
                    "skipped before they were counted"
                )
            for each in audit.skipped:
                yield (
                    f"partition {audit.partition}: offsets {each.first_offset} to "
                    f"{each.next_offset - 1} were skipped by the {each.skipped_by} "
                    f"({each.reason})"
                )
        for audit in self.partitions:
            floor = audit.scope.floor
            if floor is not None and floor != self.scope.floor:
                compared = "nothing" if isinf(floor) else f"windows from {_format_time(floor)} on"
                yield (
                    f"partition {audit.partition}: Kafka has all of it from offset {audit.begin} "
                    f"on, so {compared} could be compared, and no totals"
                )
        if self.scope.floor is not None:
            yield (
                f"compared, as requested: windows from {_format_time(self.scope.floor)} on, "
                "no totals"
            )
        if rows := self._sum("not_compared"):
            yield f"counters not compared: {rows:,}"
        for counters in self.foreign_counters:
            source = (
                f"import {counters.import_name}"
                if counters.import_name
                else f"another topic, {counters.topic_id}"
            )
            yield (
                f"outside this log: {counters.rows:,} counters with {counters.views:,} lifetime "
                f"views of {source}"
            )

    def _sum(self, name: str) -> int:
        return sum(getattr(audit, name) for audit in self.partitions)


def _format_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _finite(floor: float | None) -> float | None:
    """Return the floor, with a time in the far future for infinity, which JSON lacks."""
    return _NEVER if floor is not None and isinf(floor) else floor
