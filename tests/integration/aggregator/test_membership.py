"""Static membership: restarts that move no partition, crashes that do, and an id used twice."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from kafka import KafkaProducer
from kafka.admin import NewPartitions

from mostread.infra.kafka import topics
from mostread.infra.kafka.admin import Group, describe_group
from mostread.infra.kafka.config import client_options
from tests.support.system import Service, System, wait_until

PARTITIONS = range(4)


class Feed:
    """Sends views to all partitions in turn until the block ends; `sent` counts them."""

    def __init__(self, system: System) -> None:
        self.sent = 0
        self._system = system
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> "Feed":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _send(self) -> None:
        options = client_options(self._system.kafka)
        with closing(KafkaProducer(**options, acks="all")) as producer:
            while not self._end.wait(0.005):
                article = f"a{self.sent % 7}"
                value = {"type": "view", "article_id": article, "id": f"e{self.sent}"}
                producer.send(
                    self._system.kafka.events_topic,
                    value=json.dumps(value).encode(),
                    partition=self.sent % len(PARTITIONS),
                )
                self.sent += 1
            producer.flush()


def group(system: System) -> Group:
    name = system.environment["MOSTREAD_AGGREGATOR_GROUP"]
    with topics.admin(system.kafka) as client:
        return describe_group(client, name, system.kafka.events_topic)


def assigned(system: System) -> dict[str, tuple[int, ...]]:
    """Return the partitions of each member by its instance id."""
    return {member.instance_id: member.partitions for member in group(system).members}


def generations(worker: Service) -> list[int]:
    """Return the generation of each assignment that the worker has logged."""
    lines = [
        line for line in worker.log.read_text().splitlines() if '"partitions_assigned"' in line
    ]
    return [json.loads(line)["generation"] for line in lines]


def started(system: System, instance_id: str, session_timeout: int = 6) -> Service:
    return system.service(
        "aggregator",
        MOSTREAD_AGGREGATOR_INSTANCE_ID=instance_id,
        MOSTREAD_AGGREGATOR_SESSION_TIMEOUT_SECONDS=str(session_timeout),
    )


def pair(system: System, session_timeout: int) -> tuple[Service, Service]:
    """Return two workers with ids, each with partitions."""
    first = started(system, "worker-0", session_timeout).wait_ready()
    second = started(system, "worker-1", session_timeout).wait_ready()

    def is_shared() -> bool:
        shared = assigned(system)
        return len(shared) == 2 and all(shared.values()) and not group(system).is_rebalancing

    wait_until(is_shared, "both have partitions")
    wait_until(lambda: generations(first)[-1:] == generations(second)[-1:], "both have recovered")
    return first, second


def is_counted(system: System, feed: Feed) -> bool:
    outcomes = system.outcomes().values()
    return sum(each.get("counted", 0) for each in outcomes) == feed.sent == system.counted()


@contextmanager
def counting_goes_on(system: System, partitions: tuple[int, ...]) -> Iterator[None]:
    """Check after the block that the partitions are still counted, by more than before it."""
    before = counted(system, partitions)
    yield
    wait_until(lambda: counted(system, partitions) > before, "the partitions are counted")


def counted(system: System, partitions: tuple[int, ...]) -> int:
    outcomes = system.outcomes()
    return sum(outcomes.get(number, {}).get("counted", 0) for number in partitions)


@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "killed"])
def test_restart_of_a_static_member_moves_no_partition_and_counts_exactly(
    system: System, crash: bool
) -> None:
    first, second = pair(system, session_timeout=60)
    shared, generation = assigned(system), generations(second)
    with Feed(system) as feed:
        wait_until(lambda: feed.sent > 200, "views are sent")
        for _ in range(2):
            first.kill() if crash else first.stop()
            with counting_goes_on(system, shared["worker-1"]):
                pass
            first.start().wait_ready()
    wait_until(lambda: is_counted(system, feed), "every view is counted once")
    assert assigned(system) == shared
    assert generations(second) == generation
    assert generations(first)[-3:] == generation[-1:] * 3


def test_static_member_that_stays_away_hands_its_partitions_over(system: System) -> None:
    first, _ = pair(system, session_timeout=6)
    first.kill()
    with Feed(system) as feed:
        wait_until(
            lambda: assigned(system) == {"worker-1": tuple(PARTITIONS)},
            "the other has all partitions after the session timeout",
        )
    wait_until(lambda: is_counted(system, feed), "every view is counted once")


def test_second_worker_with_the_same_id_ends_the_first_with_an_explanation(
    system: System,
) -> None:
    first = started(system, "worker-0").wait_ready()
    second = started(system, "worker-0")
    wait_until(lambda: not first.running(), "the first ends")
    assert first.process is not None
    assert first.process.returncode == 1
    error = "with the same MOSTREAD_AGGREGATOR_INSTANCE_ID=worker-0; give each worker an id of its"
    assert error in first.log.read_text()
    second.wait_ready()
    with Feed(system) as feed:
        wait_until(lambda: feed.sent > 50, "views are sent")
    wait_until(lambda: is_counted(system, feed), "every view is counted once")
    assert second.running()
    assert len(group(system).members) == 1


def test_new_partitions_are_counted_after_a_restart_of_the_leader(system: System) -> None:
    worker = started(system, "worker-0").wait_ready()
    worker.stop()
    worker.start().wait_ready()
    with topics.admin(system.kafka) as client:
        client.create_partitions({system.kafka.events_topic: NewPartitions(6)})
    wait_until(
        lambda: assigned(system) == {"worker-0": tuple(range(6))}, "it has the new partitions", 60
    )
