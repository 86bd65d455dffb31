"""Looks at all parts at once."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from kafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from mostread.aggregator.config import AggregatorSettings
from mostread.collector.config import CollectorSettings
from mostread.errors import MostreadError
from mostread.infra.kafka._m_kafka_extent import Extent, extents
from mostread.infra.kafka.admin import committed, group
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.topics import Topic
from mostread.ranking.config import RankingSettings
from mostread.ops.status._m_status_seen import (Away, Collector, Counted, Log, Ranked, Row, Seen, Worker, Workers)
from mostread.ops.inspection.http import Silent, failing, get, get_json
from mostread.ops.inspection.clients import ForbiddenError, NotReachedError, Way
from mostread.ops.inspection.progress import counted as positions
from mostread.ops.inspection.progress import events_topic
from mostread.ops.inspection._m_way_together import together

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
    except (Silent, ForbiddenError, MostreadError, KafkaError) as error:
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
    missing = failing(address)
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


def _extents(way: Way) -> tuple[Topic, dict[int, Extent]]:
    topic = events_topic(way)
    with way.kafka() as client:
        return topic, extents(client, topic)


def _workers(way: Way) -> Workers:
    name = way.settings(AggregatorSettings).aggregator_group
    topic, found = _extents(way)
    with way.kafka() as client:
        of_topic = group(client, name, topic.name)
    try:
        at = {number: each.next_offset for number, each in positions(way, topic).items()}
    except (NotReachedError, ForbiddenError, MostreadError):
        # With ClickHouse away these stand where it was when it went.
        with way.kafka() as client:
            at = committed(client, name, topic.name)
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
        tuple(of_topic.without_owner(topic.partitions)),
        sum(waiting.values()),
        of_topic.is_sharing_out,
    )


def _counted(way: Way) -> Counted:
    topic = way.settings(KafkaSettings).events_topic
    ((known, as_of, *numbers),) = way.query("watermark", topic=topic)
    if not known:
        raise MostreadError(f"nothing of {topic} was counted yet")
    patience_ms = way.settings(RankingSettings).ranking_stale_seconds * 1000
    return Counted(as_of, way.now_ms() - as_of > patience_ms, *numbers)


def _ranked(places: Mapping[str, str], site: str, window: str) -> Ranked:
    """Ask the first ranking that answers: they all say the same."""
    query = urlencode({"site": site, "window": window, "limit": TOP})
    silent = ""
    for address in places.values():
        try:
            answer = get_json(address, f"/v1/most-read?{query}")
        except Silent as error:
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
    raise Silent(silent)
