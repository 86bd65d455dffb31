"""Differences between the recount and ClickHouse, and the scope of the comparison."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from mostread.ops.audit.reference import Key, Recount
from mostread.ops.audit.snapshot import Snapshot

ZERO = (0, 0, 0)
_TTL_SECONDS = {"minute": 35 * 86_400, "hour": 400 * 86_400, "week": 400 * 86_400}
"""TTL of rows in schemas/clickhouse/0001_initial.sql: a copy, since the audit shares no code."""
_MAX_CLOCK_DIFFERENCE_SECONDS = 3600


@dataclass(frozen=True)
class Difference:
    """A value of a partition that differs between the log and ClickHouse.

    `field` is "counter" for the numbers of a counter, named by `site`, `grain`, `window` (epoch
    seconds) and `article_id`; "version" for a counter that claims records beyond the log; else a
    column of `checkpoint_versions`.
    """

    partition: int
    field: str
    log: tuple[int, ...] | int
    clickhouse: tuple[int, ...] | int
    site: str = ""
    grain: str = ""
    window: int = 0
    article_id: str = ""

    def __str__(self) -> str:
        label = f"partition {self.partition}"
        if self.article_id:
            start = datetime.fromtimestamp(self.window, UTC)
            window = "" if self.grain == "total" else f" {start:%Y-%m-%dT%H:%MZ}"
            label += f", site {self.site}, {self.grain}{window}, article {self.article_id!r}"
        if self.field != "counter":
            label += f", {self.field}"
        return f"{label}: log {_format(self.log)}, ClickHouse {_format(self.clickhouse)}"


def _format(numbers: tuple[int, ...] | int) -> str:
    return "/".join(map(str, numbers)) if isinstance(numbers, tuple) else str(numbers)


@dataclass(frozen=True)
class Scope:
    """Bounds of the comparison. `now` and `floor` are epoch seconds.

    With a floor, only windows that start there or later are compared: the part of the log that
    was read lacks events of earlier windows, totals and outcomes.
    """

    now: int
    site: str | None = None
    floor: float | None = None

    def includes(self, key: Key) -> bool:
        site, grain, window, _ = key
        if self.site is not None and site != self.site:
            return False
        if self.floor is not None and (grain == "total" or window < self.floor):
            return False
        ttl = _TTL_SECONDS.get(grain)
        return ttl is None or window + ttl > self.now + _MAX_CLOCK_DIFFERENCE_SECONDS

    @property
    def includes_outcomes(self) -> bool:
        return self.site is None and self.floor is None


def find_differences(snapshot: Snapshot, recounted: Recount, scope: Scope) -> Iterator[Difference]:
    """Yield the differences of a partition, those of its checkpoint first."""
    partition, checkpoint, counters = (
        snapshot.partition,
        snapshot.checkpoint,
        snapshot.counters,
    )
    if checkpoint.next_offset > snapshot.end:
        yield Difference(partition, "next_offset", snapshot.end, checkpoint.next_offset)
    # Retention removes records that were never counted, too, and nothing tells how many.
    if snapshot.first_offset == 0 and checkpoint.lost != snapshot.skipped_records:
        yield Difference(partition, "lost", snapshot.skipped_records, checkpoint.lost)
    if scope.includes_outcomes:
        outcomes = dict(checkpoint.outcomes)
        for name in sorted(outcomes.keys() | recounted.outcomes.keys()):
            log, clickhouse = recounted.outcomes.get(name, 0), outcomes.get(name, 0)
            if log != clickhouse:
                yield Difference(partition, name, log, clickhouse)
        if recounted.record_time not in (-1, checkpoint.record_time):
            yield Difference(
                partition, "record_time", recounted.record_time, checkpoint.record_time
            )
    for key, (numbers, version) in counters.items():
        # Retention may have removed all records of a later window, if their times were ahead.
        removed = version < snapshot.first_offset and key not in recounted.counters
        if removed or not scope.includes(key):
            continue
        log_numbers = recounted.counters.get(key, ZERO)
        if log_numbers != numbers:
            yield Difference(partition, "counter", log_numbers, numbers, *key)
        elif version >= snapshot.end:
            yield Difference(partition, "version", snapshot.end - 1, version, *key)
    for key, log_numbers in recounted.counters.items():
        if key not in counters and log_numbers != ZERO and scope.includes(key):
            yield Difference(partition, "counter", log_numbers, ZERO, *key)
