"""Does Kafka answer, all of it, and is it new enough?"""

from collections.abc import Iterator
from typing import Any

from mostread.core.counting.dedup import MEMORY_MS
from mostread.errors import Misconfigured
from mostread.infra.healthcheck import tcp_error
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.topics import DAY_MS, config_mismatches, configs, configurations
from mostread.ops.bootstrap import InitSettings
from mostread.ops.doctor.findings import Finding, forbidden, ok, problem, warning
from mostread.ops.inspection.clients import NotReachedError, Way

OLDEST = (2, 8)
"""The first that gives topics an identity, by which one that was made again is known."""


def kafka(way: Way) -> Iterator[Finding]:
    """The brokers as the settings name them, and as they name themselves."""
    try:
        with way.kafka() as client:
            brokers = client.describe_cluster()["brokers"]
    except NotReachedError as error:
        if error.part != "Kafka":
            raise
        if isinstance(error.why, Misconfigured):
            yield problem(str(error.why), "Change what it names, then run this again.")
            return
        yield problem(
            str(error.why),
            "See whether the brokers run and can be reached from here (`mostread up` starts one on "
            "this machine); MOSTREAD_KAFKA_BROKERS says where they are.",
        )
        return
    settings = way.settings(KafkaSettings)
    for named in settings.bootstrap_servers:
        if why := tcp_error(named):
            yield warning(
                f"{named} of MOSTREAD_KAFKA_BROKERS does not answer ({why})",
                "The others do, so everything works; bring it back, or take it out.",
            )
    reached = []
    for broker in brokers:
        place = f"{broker['host']}:{broker['port']}"
        if why := tcp_error(place):
            yield problem(
                f"broker {broker['broker_id']} tells clients to come to {place}, and cannot be "
                f"reached there ({why})",
                "Start it, or set its advertised.listeners to an address that this machine and the "
                "services can reach.",
            )
        else:
            reached.append(broker["broker_id"])
    if reached:
        yield _version(way, reached, settings.kafka_brokers)


def _version(way: Way, brokers: list[int], where: str) -> Finding:
    with way.kafka() as client:
        oldest = min(client.get_broker_version_data(number).broker_version for number in brokers)
    said = ".".join(map(str, oldest))
    if tuple(oldest) < OLDEST:
        return problem(
            f"Kafka {said} gives topics no identity",
            "Take 2.8 or newer: else a topic that is made again would be counted as the old one.",
        )
    number = "1 broker" if len(brokers) == 1 else f"{len(brokers)} brokers"
    return ok(f"Kafka {said} answers at {where}, {number}")


def replication(way: Way) -> Iterator[Finding]:
    """Leaders, replicas and how many of them acknowledge."""
    wanted = list(wanted_topics(way.settings(InitSettings)))
    with way.kafka() as client:
        brokers = len(client.describe_cluster()["brokers"])
        settings = configs(client, wanted)
        topics = client.describe_topics(wanted)
    findings: list[Finding] = []
    copies = 0
    for topic in topics:
        if topic["error_code"] == 0 and topic["partitions"]:
            replicas = min(len(each["replica_nodes"]) for each in topic["partitions"])
            copies = min(copies or replicas, replicas)
            entries = settings.get(topic["name"])
            findings += _partitions(topic, int(entries["min.insync.replicas"]) if entries else 1)
            if entries:
                findings += _setting(topic["name"], entries, replicas, brokers)
    yield from findings
    if copies and not findings:
        alone = "; when it is lost, so is the log" if copies == 1 else ""
        yield ok(f"every partition has its leader and {_number(copies)}{alone}")


def _partitions(topic: dict[str, Any], least: int) -> Iterator[Finding]:
    name, each = topic["name"], topic["partitions"]
    if headless := [p["partition_index"] for p in each if p["leader_id"] < 0]:
        yield problem(
            f"{name}: no broker leads partition {_listed(headless)}: it cannot be written or read",
            "Start the brokers that have it; `kafka-topics.sh --describe` says which.",
        )
    behind = [p for p in each if len(p["isr_nodes"]) < len(p["replica_nodes"])]
    refusing = [p["partition_index"] for p in behind if len(p["isr_nodes"]) < least]
    if refusing:
        yield problem(
            f"{name}: fewer than min.insync.replicas={least} brokers have partition "
            f"{_listed(refusing)}, so it takes no events",
            "Start the brokers that are missing; the collector answers 503 until then.",
        )
    elif behind:
        yield warning(
            f"{name}: not all replicas have partition "
            f"{_listed([p['partition_index'] for p in behind])}",
            "A broker is down or cannot keep up; with the next one events could be refused.",
        )


def _setting(name: str, entries: dict[str, str], replicas: int, brokers: int) -> Iterator[Finding]:
    least = int(entries["min.insync.replicas"])
    alter = f"kafka-configs.sh --alter --topic {name} --add-config"
    if brokers >= 3 and replicas < 3:
        yield warning(
            f"{name} has {_number(replicas)} on {brokers} brokers: the loss of one may lose events",
            "Give it three: kafka-reassign-partitions.sh. For new topics there is "
            "MOSTREAD_INIT_REPLICATION=3.",
        )
    if replicas >= 3 and least < 2:
        yield warning(
            f"{name} acknowledges what one broker alone has",
            f"Let two have it: {alter} min.insync.replicas=2",
        )
    if replicas > 1 and least >= replicas:
        yield warning(
            f"{name} takes events only while all of its {replicas} replicas are there",
            f"Let it do with one less: {alter} min.insync.replicas={replicas - 1}",
        )
    if entries.get("unclean.leader.election.enable") == "true":
        yield warning(
            f"{name} may be led by a broker that lacks acknowledged events, which are lost then",
            f"Forbid it: {alter} unclean.leader.election.enable=false",
        )


def _number(copies: int) -> str:
    return "one copy" if copies == 1 else f"{copies} copies"


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


UNKNOWN = 3


def topics(way: Way) -> Iterator[Finding]:
    """Those that are missing, and settings that `mostread init` would refuse."""
    wanted = wanted_topics(way.settings(InitSettings))
    with way.kafka() as client:
        described = {each["name"]: each["error_code"] for each in client.describe_topics([*wanted])}
        actual = configs(client, wanted)
    missing = [name for name in wanted if described.get(name) == UNKNOWN]
    for name in missing:
        yield problem(f"there is no topic {name}", "`mostread init` creates it.")
    bad = list(config_mismatches(wanted, actual))
    for found in bad:
        yield problem(found.what, _sentence(found.advice))
    if unseen := [name for name in wanted if name not in missing and not actual.get(name)]:
        yield forbidden(f"DESCRIBE_CONFIGS on {', '.join(unseen)}")
    elif not missing and not bad:
        yield ok(f"{', '.join(wanted)} are there, and stamped by the broker (LogAppendTime)")


def retention(way: Way) -> Iterator[Finding]:
    """Events must stay in the log for longer than nothing may be counted."""
    settings = way.settings(InitSettings)
    name = settings.events_topic
    with way.kafka() as client:
        entries = configs(client, [name]).get(name)
    if not entries:
        return  # the check of topics says why
    kept, alter = int(entries["retention.ms"]), f"kafka-configs.sh --alter --topic {name}"
    wanted = settings.init_retention_days * DAY_MS
    longer = f"Keep them longer: {alter} --add-config retention.ms={wanted}"
    if 0 <= kept < 2 * MEMORY_MS:
        yield problem(
            f"events stay in {name} for {_span(kept)}: a worker that starts cannot read again "
            f"the {MEMORY_MS // 60_000} minutes in which it knows duplicates",
            longer,
        )
    elif 0 <= kept < DAY_MS:
        yield warning(
            f"events stay in {name} for {_span(kept)}: what is not counted by then is lost",
            longer,
        )
    elif 0 <= kept < wanted:
        yield warning(
            f"events stay in {name} for {_span(kept)}, and MOSTREAD_INIT_RETENTION_DAYS says "
            f"{settings.init_retention_days} days; `mostread init` changes no topic that exists",
            longer,
        )
    else:
        yield ok(f"events stay in {name} {'for ever' if kept < 0 else f'for {_span(kept)}'}")
    if int(entries["retention.bytes"]) >= 0:
        yield warning(
            f"{name} is cut at {int(entries['retention.bytes']):,} bytes a partition, however "
            "young or uncounted what goes is",
            f"Let time alone decide: {alter} --delete-config retention.bytes",
        )


def wanted_topics(settings: InitSettings) -> dict[str, dict[str, Any]]:
    """Return the topics as `mostread init` would make them."""
    return configurations(
        settings,
        partitions=settings.init_partitions,
        replication=settings.init_replication,
        retention_days=settings.init_retention_days,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _span(ms: int) -> str:
    for unit, size in (("days", DAY_MS), ("hours", 3_600_000), ("minutes", 60_000)):
        if ms >= 2 * size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms / 1000:g} seconds"
