"""What is seen of the way at one moment. Times are in milliseconds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from mostread.infra.kafka._m_kafka_extent import Extent


@dataclass(frozen=True)
class Away:
    """A part that cannot be seen; `why` is a sentence."""

    why: str


@dataclass(frozen=True)
class Collector:
    """A collector that answers: why it is not ready, if so, and what it has accepted so far."""

    address: str
    failing: str
    accepted: int


@dataclass(frozen=True)
class Log:
    """The events topic, and how far each partition reaches."""

    topic: str
    brokers: int
    extents: Mapping[int, Extent]

    @property
    def records(self) -> int:
        """How many are there."""
        return sum(each.end - each.first for each in self.extents.values())

    @property
    def written(self) -> int:
        """How many there ever were."""
        return sum(each.end for each in self.extents.values())


@dataclass(frozen=True)
class Worker:
    """An aggregator, the partitions it has, and how many of their records are not counted."""

    host: str
    partitions: tuple[int, ...]
    waiting: int


@dataclass(frozen=True)
class Workers:
    """All of the group. `orphans` are partitions that nobody has."""

    workers: tuple[Worker, ...]
    orphans: tuple[int, ...]
    waiting: int
    sharing_out: bool


@dataclass(frozen=True)
class Counted:
    """What ClickHouse has: everything received up to `as_of` is counted. `behind`: so long ago
    that lists are called stale.
    """

    as_of: int
    behind: bool
    received: int
    counted: int
    duplicate: int
    late: int
    dead_lettered: int
    rows: int


@dataclass(frozen=True)
class Row:
    """An article of the list: views in its window and in its life."""

    rank: int
    title: str
    views: int
    total_views: int


@dataclass(frozen=True)
class Ranked:
    """The top of a list, as a ranking service answers it."""

    address: str
    site: str
    window: str
    as_of: str
    stale: bool
    top: tuple[Row, ...]


@dataclass(frozen=True)
class Seen:
    """All parts, as they were at `at`."""

    at: int
    collectors: tuple[Collector | Away, ...]
    log: Log | Away
    workers: Workers | Away
    counted: Counted | Away
    ranked: Ranked | Away

    @property
    def parts(self) -> tuple[object, ...]:
        return (*self.collectors, self.log, self.workers, self.counted, self.ranked)


def rates(now: Seen, before: Seen) -> dict[str, float | None]:
    """Return what was accepted, written to the log and received from it in a second.

    None where it is not known: a part was away, or began anew.
    """
    ms = now.at - before.at
    both = list(zip(now.collectors, before.collectors, strict=False))
    accepted = [
        rate(one.accepted, other.accepted, ms)
        for one, other in both
        if isinstance(one, Collector) and isinstance(other, Collector)
    ]
    known = [each for each in accepted if each is not None]
    written = received = None
    if isinstance(now.log, Log) and isinstance(before.log, Log):
        written = rate(now.log.written, before.log.written, ms)
    if isinstance(now.counted, Counted) and isinstance(before.counted, Counted):
        received = rate(now.counted.received, before.counted.received, ms)
    return {
        "accepted": sum(known) if len(known) == len(now.collectors) else None,
        "records": written,
        "received": received,
    }


def rate(now: int, before: int, ms: int) -> float | None:
    """Return how much it grew in a second; None where it began anew, or no time has passed."""
    return None if now < before or ms <= 0 else (now - before) * 1000 / ms


def as_json(now: Seen, before: Seen) -> dict[str, object]:
    """Return it for machines; a part that is away has nothing but `why`."""
    return {**asdict(now), "per_second": rates(now, before)}
