"""Faults of single brokers of three, of the controller, and moves of leaders."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from mostread.errors import KafkaUnavailable
from mostread.infra.kafka import topics
from tests.faults.fault import Fault, Part
from tests.faults.rig import Mostread
from tests.support.kafka_cluster import Cluster

PREFERRED = 0
"""Kind of election that makes the first of the replicas lead."""

SESSION_SECONDS = 3
"""Silence after which the controller elects other leaders, as LocalKafka sets it."""


def cluster_of(rig: Mostread) -> Cluster:
    assert isinstance(rig.kafka, Cluster)
    return rig.kafka


def partitions_of(rig: Mostread, *topic_names: str) -> list[dict[str, Any]]:
    """Return leader, replicas and in-sync replicas of each partition of some or all topics.

    Asks again while a broker that was asked goes down.
    """
    partitions: list[dict[str, Any]] = []

    def answered() -> bool:
        with suppress(KafkaError, KafkaUnavailable), topics.admin(rig.system.kafka) as admin:
            for topic in admin.describe_topics(topic_names or None):
                partitions.extend(topic["partitions"])
        return bool(partitions)

    rig.wait(answered, "a broker describes the topic")
    return partitions


def wait_in_sync(rig: Mostread) -> None:
    """Wait until every broker has every partition in sync, those of the group's offsets too."""
    everybody = {node.node_id for node in cluster_of(rig).nodes}
    rig.wait(
        lambda: all(set(each["isr_nodes"]) == everybody for each in partitions_of(rig)),
        "all brokers are in sync",
        180,
    )


@contextmanager
def one_killed(rig: Mostread, chance: random.Random) -> Iterator[None]:
    chance.choice(cluster_of(rig).nodes).kill()
    yield
    cluster_of(rig).start()
    wait_in_sync(rig)


@contextmanager
def each_killed(rig: Mostread, chance: random.Random) -> Iterator[None]:
    nodes = cluster_of(rig).nodes
    for node in chance.sample(nodes, len(nodes)):
        node.kill()
        time.sleep(chance.uniform(0, 1.5 * SESSION_SECONDS))
        node.start()
        wait_in_sync(rig)
    yield


@contextmanager
def two_killed(rig: Mostread, chance: random.Random) -> Iterator[None]:
    for node in chance.sample(cluster_of(rig).nodes, 2):
        node.kill()
    yield
    cluster_of(rig).start()
    wait_in_sync(rig)


@contextmanager
def straggler_returns_alone(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """Kill one broker, then the others, and start the first alone, which lacks records.

    An unclean election would make it the leader, and acknowledged records would be lost.
    """
    straggler, *others = chance.sample(cluster_of(rig).nodes, 3)
    straggler.kill()
    rig.wait(
        lambda: all(
            straggler.node_id not in each["isr_nodes"] for each in partitions_of(rig, rig.topic)
        ),
        "the first is out of sync",
    )
    sent = len(rig.traffic.ledger.accepted)
    rig.wait(lambda: len(rig.traffic.ledger.accepted) > sent + 100, "the others have more records")
    for node in others:
        node.kill()
    straggler.start()
    yield
    leaders = {each["leader_id"] for each in partitions_of(rig, rig.topic)}
    assert straggler.node_id not in leaders, "a broker that lacks records was elected"
    cluster_of(rig).start()
    wait_in_sync(rig)


@contextmanager
def rolling_restart(rig: Mostread, _: random.Random) -> Iterator[None]:
    """Restart every broker, then the controller, as an upgrade does."""
    cluster = cluster_of(rig)
    for node in cluster.nodes:
        node.stop()
        node.start()
        wait_in_sync(rig)
    cluster.controller.stop()
    cluster.controller.start()
    yield


@contextmanager
def leaders_moved(rig: Mostread, _: random.Random) -> Iterator[None]:
    """Give every partition another leader, twice."""
    _move_leaders(rig)
    yield
    _move_leaders(rig)


def _move_leaders(rig: Mostread) -> None:
    partitions = {
        TopicPartition(rig.topic, each["partition_index"]): each["replica_nodes"]
        for each in partitions_of(rig, rig.topic)
    }
    with topics.admin(rig.system.kafka) as admin:
        admin.alter_partition_reassignments(
            {partition: [*nodes[1:], nodes[0]] for partition, nodes in partitions.items()}
        )
        rig.wait(lambda: not admin.list_partition_reassignments(), "replicas are reassigned")
        admin.elect_leaders(PREFERRED, [rig.topic], raise_errors=False)
    rig.wait(
        lambda: all(
            each["leader_id"] == each["replica_nodes"][0] for each in partitions_of(rig, rig.topic)
        ),
        "the preferred replicas lead",
    )


@contextmanager
def controller_killed(rig: Mostread, _: random.Random) -> Iterator[None]:
    cluster_of(rig).controller.kill()
    yield
    cluster_of(rig).start()


@contextmanager
def controller_and_broker_killed(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """Kill a broker while nobody can elect other leaders for its partitions."""
    cluster_of(rig).controller.kill()
    chance.choice(cluster_of(rig).nodes).kill()
    yield
    cluster_of(rig).start()
    wait_in_sync(rig)


@contextmanager
def one_silent(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """Suspend a broker for longer than its session; it resumes as if it still led."""
    pid = chance.choice(cluster_of(rig).nodes).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_in_sync(rig)


@contextmanager
def one_out_of_reach(rig: Mostread, chance: random.Random) -> Iterator[None]:
    """Cut a broker off from clients, while it leads on for the other brokers."""
    line = chance.choice(rig.kafka_line.all)
    act: Callable[[], None] = chance.choice([line.refuse, line.stall])
    act()
    yield
    line.pass_on()


ALONE = frozenset({Part.KAFKA})
FAULTS: list[Fault[Mostread]] = [
    Fault("a broker ends by kill -9", ALONE, (0, 8), one_killed),
    Fault("each broker ends by kill -9, one after another", ALONE, (0, 2), each_killed),
    Fault("two brokers end by kill -9", ALONE, (6, 12), two_killed),
    Fault("a broker that lacks records returns alone", ALONE, (4, 8), straggler_returns_alone),
    Fault("all brokers restart, one after another", ALONE, (0, 2), rolling_restart),
    Fault("leaders move", ALONE, (1, 3), leaders_moved),
    Fault("the controller ends by kill -9", ALONE, (2, 8), controller_killed),
    Fault("the controller and a broker end", ALONE, (2, 8), controller_and_broker_killed),
    Fault("a broker is silent", ALONE, (SESSION_SECONDS + 2, SESSION_SECONDS + 6), one_silent),
    Fault("clients cannot reach a broker", ALONE, (3, 10), one_out_of_reach),
]
