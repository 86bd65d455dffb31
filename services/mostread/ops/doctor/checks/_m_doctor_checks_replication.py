"""Would the log survive a broker?"""

from collections.abc import Iterator
from typing import Any

from mostread.ops.doctor.checks._m_doctor_checks_topics import wanted_topics
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.cli.init import InitSettings
from mostread.infra.kafka.topics import configs
from mostread.ops.inspection.clients import Way


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
