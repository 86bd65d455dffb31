"""Where the log and ClickHouse do not agree, and what can be compared at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from mostread.ops.audit.reference import Key, Recount
from mostread.ops.audit.snapshot import Snapshot

NOTHING = (0, 0, 0)
_KEPT_SECONDS = {"minute": 35 * 86_400, "hour": 400 * 86_400}
"""How long ClickHouse keeps a row: the TTL in schemas/clickhouse/0001_initial.sql."""
_CLOCKS_DIFFER_SECONDS = 3600


@dataclass(frozen=True)
class Difference:
    """One thing that the log and ClickHouse say differently, of one partition.

    Of a counter `what` is "counter" and `site`, `grain`, `window` (epoch seconds) and
    `article_id` name it; else it is a column of `checkpoints`. A `version` is said of a counter
    that claims to count records which the log does not have.
    """

    partition: int
    what: str
    log: tuple[int, ...] | int
    clickhouse: tuple[int, ...] | int
    site: str = ""
    grain: str = ""
    window: int = 0
    article_id: str = ""

    def __str__(self) -> str:
        where = f"partition {self.partition}"
        if self.article_id:
            start = datetime.fromtimestamp(self.window, UTC)
            moment = "" if self.grain == "total" else f" {start:%Y-%m-%dT%H:%MZ}"
            where += f", site {self.site}, {self.grain}{moment}, article {self.article_id!r}"
        what = "" if self.what == "counter" else f", {self.what}"
        return f"{where}{what}: log {_said(self.log)}, ClickHouse {_said(self.clickhouse)}"


def _said(numbers: tuple[int, ...] | int) -> str:
    return "/".join(map(str, numbers)) if isinstance(numbers, tuple) else str(numbers)


@dataclass(frozen=True)
class Scope:
    """What of a partition is compared. `floor` is in epoch seconds.

    With a floor only windows that start there or later are: of earlier ones, of totals and
    of outcomes the log that was read does not hold everything.
    """

    now: int
    site: str | None = None
    floor: float | None = None

    def holds(self, key: Key) -> bool:
        site, grain, window, _ = key
        if self.site is not None and site != self.site:
            return False
        if self.floor is not None and (grain == "total" or window < self.floor):
            return False
        kept = _KEPT_SECONDS.get(grain)
        return kept is None or window + kept > self.now + _CLOCKS_DIFFER_SECONDS

    @property
    def holds_outcomes(self) -> bool:
        return self.site is None and self.floor is None


def differences(said: Snapshot, recounted: Recount, scope: Scope) -> Iterator[Difference]:
    """Yield what differs of a partition, its own outcomes first."""
    partition, progress, counters = said.partition, said.progress, said.counters
    if progress.next_offset > said.end:
        yield Difference(partition, "next_offset", said.end, progress.next_offset)
    if scope.holds_outcomes:
        outcomes = dict(progress.outcomes)
        for name in sorted(outcomes.keys() | recounted.outcomes.keys()):
            log, clickhouse = recounted.outcomes.get(name, 0), outcomes.get(name, 0)
            if log != clickhouse:
                yield Difference(partition, name, log, clickhouse)
        if recounted.record_time not in (-1, progress.record_time):
            yield Difference(partition, "record_time", recounted.record_time, progress.record_time)
    for key, (numbers, version) in counters.items():
        if not scope.holds(key):
            continue
        log_numbers = recounted.counters.get(key, NOTHING)
        if log_numbers != numbers:
            yield Difference(partition, "counter", log_numbers, numbers, *key)
        elif version >= said.end:
            yield Difference(partition, "version", said.end - 1, version, *key)
    for key, log_numbers in recounted.counters.items():
        if key not in counters and log_numbers != NOTHING and scope.holds(key):
            yield Difference(partition, "counter", log_numbers, NOTHING, *key)
