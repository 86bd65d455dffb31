"""Checks that Kafka responds, and that topics are safe for exact counting."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from mostread.core.retention import DEDUP_REREAD_MS
from mostread.errors import Misconfigured
from mostread.infra.healthcheck import tcp_error
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.topics import (
    DAY_MS,
    alter_command,
    config_mismatches,
    configurations,
    describe_configs,
)
from mostread.ops.bootstrap import InitSettings
from mostread.ops.doctor.findings import Finding, access_denied, ok, problem, warning
from mostread.ops.inspection.clients import DependencyUnavailable, SystemClients

MIN_VERSION = (2, 8)
"""The first version with topic ids, which identify a recreated topic."""
_UNKNOWN_TOPIC = 3


def kafka(clients: SystemClients) -> Iterator[Finding]:
    """Check the bootstrap addresses and the advertised addresses of all brokers."""
    try:
        with clients.kafka() as client:
            brokers = client.describe_cluster()["brokers"]
    except DependencyUnavailable as error:
        if error.dependency != "Kafka":
            raise
        if isinstance(error.cause, Misconfigured):
            yield problem(str(error.cause), "Correct it, then run the doctor again.")
            return
        yield problem(
            str(error.cause),
            "Check that the brokers run and are reachable from here (`mostread up` starts one on "
            "this machine), and that MOSTREAD_KAFKA_BROKERS holds their addresses.",
        )
        return
    settings = clients.settings(KafkaSettings)
    for address in settings.bootstrap_servers:
        if error_text := tcp_error(address):
            yield warning(
                f"{address} of MOSTREAD_KAFKA_BROKERS does not respond ({error_text})",
                "Other brokers do, so services keep working; start it, or remove it.",
            )
    reachable = []
    for broker in brokers:
        address = f"{broker['host']}:{broker['port']}"
        if error_text := tcp_error(address):
            yield problem(
                f"broker {broker['broker_id']} advertises {address}, which is unreachable "
                f"({error_text})",
                "Start it, or set its advertised.listeners to an address that this machine and the "
                "services can reach.",
            )
        else:
            reachable.append(broker["broker_id"])
    if reachable:
        yield _check_version(clients, reachable, settings.kafka_brokers)


def _check_version(clients: SystemClients, brokers: list[int], addresses: str) -> Finding:
    with clients.kafka() as client:
        oldest = min(client.get_broker_version_data(number).broker_version for number in brokers)
    version = ".".join(map(str, oldest))
    if tuple(oldest) < MIN_VERSION:
        return problem(
            f"Kafka {version} has no topic ids",
            "Upgrade to 2.8 or newer; otherwise a recreated topic is mistaken for the old one.",
        )
    number = "1 broker" if len(brokers) == 1 else f"{len(brokers)} brokers"
    return ok(f"Kafka {version} responds at {addresses}, {number}")


def replication(clients: SystemClients) -> Iterator[Finding]:
    """Check leaders, replicas and min.insync.replicas."""
    settings = clients.settings(InitSettings)
    wanted = list(wanted_topics(settings))
    with clients.kafka() as client:
        brokers = len(client.describe_cluster()["brokers"])
        entries_by_topic = describe_configs(client, wanted)
        descriptions = client.describe_topics(wanted)
    findings: list[Finding] = []
    min_replicas = 0
    for topic in descriptions:
        if topic["error_code"] == 0 and topic["partitions"]:
            replicas = min(len(partition["replica_nodes"]) for partition in topic["partitions"])
            min_replicas = min(min_replicas or replicas, replicas)
            entries = entries_by_topic.get(topic["name"])
            min_insync = int(entries["min.insync.replicas"]) if entries else 1
            findings += _check_partitions(topic, min_insync)
            if entries:
                findings += _check_durability(settings, topic["name"], entries, replicas, brokers)
    yield from findings
    if min_replicas and not findings:
        risk = "; losing that broker loses the log" if min_replicas == 1 else ""
        yield ok(f"every partition has a leader and {_count_replicas(min_replicas)}{risk}")


def _check_partitions(topic: dict[str, Any], min_insync: int) -> Iterator[Finding]:
    name, partitions = topic["name"], topic["partitions"]
    if leaderless := [p["partition_index"] for p in partitions if p["leader_id"] < 0]:
        yield problem(
            f"{name}: partition {_join(leaderless)} has no leader, and cannot be read or written",
            "Start the brokers that hold it; `kafka-topics.sh --describe` names them.",
        )
    behind = [p for p in partitions if len(p["isr_nodes"]) < len(p["replica_nodes"])]
    refusing = [p["partition_index"] for p in behind if len(p["isr_nodes"]) < min_insync]
    if refusing:
        yield problem(
            f"{name}: partition {_join(refusing)} has fewer in-sync replicas than "
            f"min.insync.replicas={min_insync}, and accepts no events",
            "Start the missing brokers; the collector answers 503 until then.",
        )
    elif behind:
        yield warning(
            f"{name}: partition {_join([p['partition_index'] for p in behind])} is "
            "under-replicated",
            "A broker is down or cannot keep up; if another one fails, events may be refused.",
        )


def _check_durability(
    settings: KafkaSettings, name: str, entries: dict[str, str], replicas: int, brokers: int
) -> Iterator[Finding]:
    min_insync = int(entries["min.insync.replicas"])
    alter = partial(alter_command, settings, name)
    if brokers >= 3 and replicas < 3:
        yield warning(
            f"{name} has {_count_replicas(replicas)} on {brokers} brokers: losing one may lose "
            "events",
            "Raise it to three with kafka-reassign-partitions.sh; for new topics set "
            "MOSTREAD_INIT_REPLICATION=3.",
        )
    if replicas >= 3 and min_insync < 2:
        yield warning(
            f"{name} acknowledges events that only one broker has",
            f"Require two: {alter('min.insync.replicas=2')}",
        )
    if replicas > 1 and min_insync >= replicas:
        yield warning(
            f"{name} accepts events only while all of its {replicas} replicas are in sync",
            f"Require one less: {alter(f'min.insync.replicas={replicas - 1}')}",
        )
    if entries.get("unclean.leader.election.enable") == "true":
        yield warning(
            f"{name} allows unclean leader election, which loses acknowledged events",
            f"Disable it: {alter('unclean.leader.election.enable=false')}",
        )


def _count_replicas(number: int) -> str:
    return "one replica" if number == 1 else f"{number} replicas"


def _join(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def topics(clients: SystemClients) -> Iterator[Finding]:
    """Check that topics exist with settings that `mostread init` accepts."""
    settings = clients.settings(InitSettings)
    wanted = wanted_topics(settings)
    with clients.kafka() as client:
        error_codes = {
            topic["name"]: topic["error_code"] for topic in client.describe_topics([*wanted])
        }
        actual = describe_configs(client, wanted)
    missing = [name for name in wanted if error_codes.get(name) == _UNKNOWN_TOPIC]
    for name in missing:
        yield problem(f"the topic {name} does not exist", "Run `mostread init` to create it.")
    mismatches = list(config_mismatches(wanted, actual))
    for mismatch in mismatches:
        advice = mismatch.advice(settings)
        yield problem(mismatch.problem, advice[:1].upper() + advice[1:])
    if denied := [name for name in wanted if name not in missing and not actual.get(name)]:
        yield access_denied(f"DESCRIBE_CONFIGS on {', '.join(denied)}")
    elif not missing and not mismatches:
        yield ok(f"{', '.join(wanted)} exist, with timestamps of the broker (LogAppendTime)")


def retention(clients: SystemClients) -> Iterator[Finding]:
    """Check that events are retained for longer than any outage of the aggregators."""
    settings = clients.settings(InitSettings)
    name = settings.events_topic
    with clients.kafka() as client:
        entries = describe_configs(client, [name]).get(name)
    if not entries:
        return  # reported by the check of topics
    alter = partial(alter_command, settings, name)
    retention_ms, wanted_ms = int(entries["retention.ms"]), settings.init_retention_days * DAY_MS
    duration = "forever" if retention_ms < 0 else f"for {_format_duration(retention_ms)}"
    raise_it = f"Raise the retention: {alter(f'retention.ms={wanted_ms}')}"
    if 0 <= retention_ms < 2 * DEDUP_REREAD_MS:
        yield problem(
            f"{name} retains events {duration}: partition recovery cannot read the "
            f"{DEDUP_REREAD_MS // 60_000} minutes of the dedup window",
            raise_it,
        )
    elif 0 <= retention_ms < DAY_MS:
        yield warning(
            f"{name} retains events {duration}: those not counted by then are lost", raise_it
        )
    elif 0 <= retention_ms < wanted_ms:
        yield warning(
            f"{name} retains events {duration}, but MOSTREAD_INIT_RETENTION_DAYS is "
            f"{settings.init_retention_days}; `mostread init` does not alter existing topics",
            raise_it,
        )
    else:
        yield ok(f"{name} retains events {duration}")
    if int(entries["retention.bytes"]) >= 0:
        yield warning(
            f"{name} is limited to {int(entries['retention.bytes']):,} bytes per partition, which "
            "may remove events that are recent or not counted",
            f"Limit by time alone: {alter('retention.bytes')}",
        )


def wanted_topics(settings: InitSettings) -> dict[str, dict[str, Any]]:
    """Return the topics as `mostread init` would create them."""
    return configurations(
        settings,
        partitions=settings.init_partitions,
        replication=settings.init_replication,
        retention_days=settings.init_retention_days,
    )


def _format_duration(ms: int) -> str:
    for unit, size in (("days", DAY_MS), ("hours", 3_600_000), ("minutes", 60_000)):
        if ms >= 2 * size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms / 1000:g} seconds"
