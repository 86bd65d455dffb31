"""Looks at all parts at once."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from kafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from mostread.aggregator.config import AggregatorSettings
from mostread.collector.config import CollectorSettings
from mostread.errors import MostreadError
from mostread.infra.healthcheck import NoResponse, failing_checks, get, get_json
from mostread.infra.kafka.admin import committed_offsets, describe_group
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import OffsetRange, offset_ranges
from mostread.infra.kafka.topics import Topic
from mostread.ops.inspection.clients import ForbiddenError, NotReachedError, Way, together
from mostread.ops.inspection.progress import counted as positions
from mostread.ops.inspection.progress import events_topic
from mostread.ranking.config import RankingSettings


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
    extents: Mapping[int, OffsetRange]

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


TOP = 3
Part = TypeVar("Part")


def look(way: Way, site: str, window: str, seconds: float) -> Seen:
    """Return what is seen within so many seconds; what is not there by then is away."""
    at = way.now_ms()
    collectors = _places(way, "collector", _collector_here)
    calls: dict[str, Callable[[], object]] = {
        **{name: partial(_collector, place) for name, place in collectors.items()},
        "kafka": partial(_log, way),
        "workers": partial(_workers, way),
        "clickhouse": partial(_counted, way),
        "list": partial(_ranked, _places(way, "ranking", _ranking_here), site, window),
    }
    heard = together({name: partial(_or_away, call) for name, call in calls.items()}, seconds)

    def part(name: str, kind: type[Part]) -> Part | Away:
        found = heard.get(name, Away(f"it has not answered within {seconds:g} s"))
        assert isinstance(found, kind | Away)  # noqa: S101  by the table above
        return found

    return Seen(
        at,
        tuple(part(name, Collector) for name in collectors),
        part("kafka", Log),
        part("workers", Workers),
        part("clickhouse", Counted),
        part("list", Ranked),
    )


def _or_away(call: Callable[[], object]) -> object:
    try:
        return call()
    except NotReachedError as error:
        return Away(str(error.why))
    except (NoResponse, ForbiddenError, MostreadError, KafkaError) as error:
        return Away(str(error) or repr(error))
    except Exception as error:  # a part that answers strangely is away, and hides no other
        return Away(f"it is not understood: {error!r}")


def _places(way: Way, service: str, here: Callable[[Way], str]) -> Mapping[str, str]:
    """Return where services of this kind are: those that are known, else what the settings say."""
    known = {n: place for n, place in way.services.items() if n.partition("-")[0] == service}
    return known or {service: here(way)}


def _collector_here(way: Way) -> str:
    settings = way.settings(CollectorSettings)
    return _address(settings.collector_host, settings.collector_port)


def _ranking_here(way: Way) -> str:
    settings = way.settings(RankingSettings)
    return _address(settings.ranking_host, settings.ranking_port)


def _address(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  every address, so this one too
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _collector(address: str) -> Collector:
    missing = failing_checks(address)
    _, metrics = get(address, "/metrics")
    accepted = sum(
        sample.value
        for family in text_string_to_metric_families(metrics.decode())
        for sample in family.samples
        if sample.name == "mostread_collector_events_total"
        and sample.labels.get("outcome") == "accepted"
    )
    said = "; ".join(f"{part}: {wrong}" for part, wrong in missing.items())
    return Collector(address, said, int(accepted))


def _log(way: Way) -> Log:
    topic, found = _extents(way)
    with way.kafka() as client:
        brokers = len(client.describe_cluster()["brokers"])
    return Log(topic.name, brokers, found)


def _extents(way: Way) -> tuple[Topic, dict[int, OffsetRange]]:
    topic = events_topic(way)
    with way.kafka() as client:
        return topic, offset_ranges(client, topic)


def _workers(way: Way) -> Workers:
    name = way.settings(AggregatorSettings).aggregator_group
    topic, found = _extents(way)
    with way.kafka() as client:
        of_topic = describe_group(client, name, topic.name)
    try:
        at = {number: each.next_offset for number, each in positions(way, topic).items()}
    except (NotReachedError, ForbiddenError, MostreadError):
        # With ClickHouse away these stand where it was when it went.
        with way.kafka() as client:
            at = committed_offsets(client, name, topic.name)
    waiting = {
        number: max(0, each.end - max(each.first, at.get(number, 0)))
        for number, each in found.items()
    }
    workers = tuple(
        Worker(
            member.host,
            member.partitions,
            sum(waiting.get(number, 0) for number in member.partitions),
        )
        for member in sorted(of_topic.members, key=lambda member: member.partitions)
    )
    return Workers(
        workers,
        tuple(of_topic.unassigned(topic.partitions)),
        sum(waiting.values()),
        of_topic.is_rebalancing,
    )


def _counted(way: Way) -> Counted:
    topic = way.settings(KafkaSettings).events_topic
    ((known, as_of, *numbers),) = way.query("watermark", topic=topic)
    if not known:
        raise MostreadError(f"nothing of {topic} was counted yet")
    patience_ms = way.settings(RankingSettings).ranking_stale_after_seconds * 1000
    return Counted(as_of, way.now_ms() - as_of > patience_ms, *numbers)


def _ranked(places: Mapping[str, str], site: str, window: str) -> Ranked:
    """Ask the first ranking that answers: they all say the same."""
    query = urlencode({"site": site, "window": window, "limit": TOP})
    silent = ""
    for address in places.values():
        try:
            answer = get_json(address, f"/v1/most-read?{query}")
        except NoResponse as error:
            silent = str(error)
            continue
        if "items" not in answer:
            raise MostreadError(f"{address}: {answer.get('detail', 'no list')}")
        return Ranked(
            address,
            site,
            window,
            answer["as_of"] or "",
            answer["stale"],
            tuple(
                Row(
                    item["rank"],
                    item["title"] or item["article_id"],
                    item["window"]["views"],
                    item["total"]["views"],
                )
                for item in answer["items"]
            ),
        )
    raise NoResponse(silent)
