"""Collects the status of all parts concurrently."""

from collections.abc import Callable, Mapping
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
from mostread.ops.inspection.clients import (
    AccessDenied,
    DependencyUnavailable,
    SystemClients,
    run_with_deadline,
)
from mostread.ops.inspection.progress import (
    PartitionProgress,
    StoredCheckpoint,
    articles_lag,
    checkpoints,
    events_topic,
)
from mostread.ops.inspection.stopped import stopped_partitions
from mostread.ops.status.parts import (
    AggregatorStatus,
    CollectorStatus,
    CountingStatus,
    GroupStatus,
    ListedArticle,
    ListStatus,
    SystemStatus,
    TopicStatus,
    UnavailablePart,
)
from mostread.ranking.config import RankingSettings

TOP_ARTICLES = 3
StatusT = TypeVar("StatusT")


def collect(clients: SystemClients, site: str, window: str, seconds: float) -> SystemStatus:
    """Return the status of all parts; those that take longer than `seconds` are unavailable."""
    timestamp = clients.now_ms()
    collectors = _urls(clients, "collector", _local_collector)
    rankings = _urls(clients, "ranking", _local_ranking)
    calls: dict[str, Callable[[], object]] = {
        **{name: partial(_collector, url) for name, url in collectors.items()},
        "kafka": partial(_kafka, clients),
        "aggregators": partial(_aggregators, clients),
        "clickhouse": partial(_clickhouse, clients),
        "ranking list": partial(_ranking, rankings, site, window),
    }
    results = run_with_deadline(
        {name: partial(_catch_errors, call) for name, call in calls.items()}, seconds
    )

    def part(name: str, status_class: type[StatusT]) -> StatusT | UnavailablePart:
        result = results.get(name, UnavailablePart(f"no response within {seconds:g} s"))
        assert isinstance(result, status_class | UnavailablePart)  # noqa: S101  see `calls`
        return result

    return SystemStatus(
        timestamp,
        tuple(part(name, CollectorStatus) for name in collectors),
        part("kafka", TopicStatus),
        part("aggregators", GroupStatus),
        part("clickhouse", CountingStatus),
        part("ranking list", ListStatus),
    )


def _catch_errors(call: Callable[[], object]) -> object:
    try:
        return call()
    except DependencyUnavailable as error:
        return UnavailablePart(str(error.cause))
    except (NoResponse, AccessDenied, MostreadError, KafkaError) as error:
        return UnavailablePart(str(error) or repr(error))
    except Exception as error:  # an unexpected response must not hide the other parts
        return UnavailablePart(f"unexpected response: {error!r}")


def _urls(
    clients: SystemClients, service: str, local_url: Callable[[SystemClients], str]
) -> Mapping[str, str]:
    """Return the known URLs of a service, or else the one in the settings."""
    known = {n: url for n, url in clients.services.items() if n.partition("-")[0] == service}
    return known or {service: local_url(clients)}


def _local_collector(clients: SystemClients) -> str:
    settings = clients.settings(CollectorSettings)
    return _local_url(settings.collector_host, settings.collector_port)


def _local_ranking(clients: SystemClients) -> str:
    settings = clients.settings(RankingSettings)
    return _local_url(settings.ranking_host, settings.ranking_port)


def _local_url(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  all addresses include the loopback
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _collector(url: str) -> CollectorStatus:
    failing = failing_checks(url)
    _, metrics = get(url, "/metrics")
    accepted = sum(
        sample.value
        for family in text_string_to_metric_families(metrics.decode())
        for sample in family.samples
        if sample.name == "mostread_collector_events_total"
        and sample.labels.get("outcome") == "accepted"
    )
    error = "; ".join(f"{check}: {message}" for check, message in failing.items())
    return CollectorStatus(url, error, int(accepted))


def _kafka(clients: SystemClients) -> TopicStatus:
    topic, offsets_by_partition = _topic_offsets(clients)
    with clients.kafka() as client:
        brokers = len(client.describe_cluster()["brokers"])
    return TopicStatus(topic.name, brokers, offsets_by_partition)


def _topic_offsets(clients: SystemClients) -> tuple[Topic, dict[int, OffsetRange]]:
    topic = events_topic(clients)
    with clients.kafka() as client:
        return topic, offset_ranges(client, topic)


def _aggregators(clients: SystemClients) -> GroupStatus:
    name = clients.settings(AggregatorSettings).aggregator_group
    topic, offsets_by_partition = _topic_offsets(clients)
    with clients.kafka() as client:
        consumer_group = describe_group(client, name, topic.name)
    stored: Mapping[int, StoredCheckpoint] = {}
    try:
        stored = checkpoints(clients, topic)
        next_offsets = {number: checkpoint.next_offset for number, checkpoint in stored.items()}
    except (DependencyUnavailable, AccessDenied, MostreadError):
        # Committed offsets equal the checkpoints as of ClickHouse's outage.
        with clients.kafka() as client:
            next_offsets = committed_offsets(client, name, topic.name)
    lag = {
        number: max(0, offsets.end - max(offsets.first, next_offsets.get(number, 0)))
        for number, offsets in offsets_by_partition.items()
    }
    aggregators = tuple(
        AggregatorStatus(
            member.host,
            member.partitions,
            sum(lag.get(number, 0) for number in member.partitions),
        )
        for member in sorted(consumer_group.members, key=lambda member: member.partitions)
    )
    stopped = stopped_partitions(
        clients,
        [
            PartitionProgress(number, offsets, stored.get(number))
            for number, offsets in offsets_by_partition.items()
        ],
        clients.settings(RankingSettings).ranking_stale_after_seconds,
    )
    return GroupStatus(
        aggregators,
        tuple(consumer_group.unassigned(topic.partitions)),
        tuple(
            number
            for number, offsets in offsets_by_partition.items()
            if offsets.held_up(next_offsets.get(number, 0))
        ),
        tuple(each.partition for each in stopped),
        sum(lag.values()),
        articles_lag(clients),
        consumer_group.is_rebalancing,
    )


def _clickhouse(clients: SystemClients) -> CountingStatus:
    topic = clients.settings(KafkaSettings).events_topic
    ((partitions, watermark, *numbers),) = clients.query("watermark", topic=topic)
    if not partitions:
        raise MostreadError(f"no events of {topic} are counted yet")
    stale_after_ms = clients.settings(RankingSettings).ranking_stale_after_seconds * 1000
    return CountingStatus(watermark, clients.now_ms() - watermark > stale_after_ms, *numbers)


def _ranking(urls: Mapping[str, str], site: str, window: str) -> ListStatus:
    """Return the list of the first ranking service that responds; all serve the same."""
    query = urlencode({"site": site, "window": window, "limit": TOP_ARTICLES})
    last_error = ""
    for url in urls.values():
        try:
            document = get_json(url, f"/v1/most-read?{query}")
        except NoResponse as error:
            last_error = str(error)
            continue
        if "items" not in document:
            raise MostreadError(f"{url}: {document.get('detail', 'the response has no list')}")
        return ListStatus(
            url,
            site,
            window,
            document["as_of"] or "",
            document["stale"],
            tuple(
                ListedArticle(
                    item["rank"],
                    item["title"] or item["article_id"],
                    item["window"]["views"],
                    item["total"]["views"],
                )
                for item in document["items"]
            ),
        )
    raise NoResponse(last_error)
