"""Status of each part of the system at one moment."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from mostread.infra.kafka.reader import OffsetRange


@dataclass(frozen=True)
class UnavailablePart:
    """A part whose status could not be read; `reason` is a sentence."""

    reason: str


@dataclass(frozen=True)
class CollectorStatus:
    """A collector that responds; `error` is empty if it is ready."""

    url: str
    error: str
    accepted: int


@dataclass(frozen=True)
class TopicStatus:
    """The events topic with the offsets of its partitions."""

    topic: str
    brokers: int
    offsets: Mapping[int, OffsetRange]

    @property
    def retained(self) -> int:
        """Number of records in the topic."""
        return sum(offsets.end - offsets.first for offsets in self.offsets.values())

    @property
    def written(self) -> int:
        """Number of records ever written to the topic."""
        return sum(offsets.end for offsets in self.offsets.values())


@dataclass(frozen=True)
class AggregatorStatus:
    """An aggregator with its partitions; `lag` is their number of uncounted records."""

    host: str
    partitions: tuple[int, ...]
    lag: int


@dataclass(frozen=True)
class GroupStatus:
    """All aggregators of the group; `unassigned` partitions have none.

    `held_up` partitions are counted up to an open transaction; `stopped` ones cannot be read, or
    have lost records that were counted. `articles_lag` is the number of records of the articles
    topic that are not stored yet.
    """

    aggregators: tuple[AggregatorStatus, ...]
    unassigned: tuple[int, ...]
    held_up: tuple[int, ...]
    stopped: tuple[int, ...]
    lag: int
    articles_lag: int
    rebalancing: bool


@dataclass(frozen=True)
class CountingStatus:
    """Watermark (ms), outcomes of events, lost records, and rows of `counter_versions`.

    `stale` says that the watermark is old enough for lists to be stale.
    """

    watermark: int
    stale: bool
    received: int
    counted: int
    duplicate: int
    late: int
    dead_lettered: int
    excluded: int
    lost: int
    rows: int


@dataclass(frozen=True)
class ListedArticle:
    """An article of the list with its views in the window and in total."""

    rank: int
    title: str
    views: int
    total_views: int


@dataclass(frozen=True)
class ListStatus:
    """The top of a list, from the first ranking service that responds."""

    url: str
    site: str
    window: str
    as_of: str
    stale: bool
    top: tuple[ListedArticle, ...]


@dataclass(frozen=True)
class SystemStatus:
    """All parts at `timestamp` (ms)."""

    timestamp: int
    collectors: tuple[CollectorStatus | UnavailablePart, ...]
    kafka: TopicStatus | UnavailablePart
    aggregators: GroupStatus | UnavailablePart
    clickhouse: CountingStatus | UnavailablePart
    ranking: ListStatus | UnavailablePart

    @property
    def parts(self) -> tuple[object, ...]:
        return (*self.collectors, self.kafka, self.aggregators, self.clickhouse, self.ranking)


def rates(current: SystemStatus, previous: SystemStatus) -> dict[str, float | None]:
    """Return events accepted, records written and events received, per second.

    None where a rate is unknown: a part was unavailable or restarted.
    """
    ms = current.timestamp - previous.timestamp
    pairs = zip(current.collectors, previous.collectors, strict=False)
    per_collector = [
        rate(now.accepted, before.accepted, ms)
        for now, before in pairs
        if isinstance(now, CollectorStatus) and isinstance(before, CollectorStatus)
    ]
    accepted = [value for value in per_collector if value is not None]
    written = received = None
    if isinstance(current.kafka, TopicStatus) and isinstance(previous.kafka, TopicStatus):
        written = rate(current.kafka.written, previous.kafka.written, ms)
    if isinstance(current.clickhouse, CountingStatus) and isinstance(
        previous.clickhouse, CountingStatus
    ):
        received = rate(current.clickhouse.received, previous.clickhouse.received, ms)
    return {
        "accepted": sum(accepted) if len(accepted) == len(current.collectors) else None,
        "records": written,
        "received": received,
    }


def rate(current: int, previous: int, ms: int) -> float | None:
    """Return the growth per second; None after a restart, or if no time has passed."""
    return None if current < previous or ms <= 0 else (current - previous) * 1000 / ms


def as_json(current: SystemStatus, previous: SystemStatus) -> dict[str, object]:
    """Return the status as a JSON object; an unavailable part has only a `reason`."""
    return {**asdict(current), "per_second": rates(current, previous)}
