"""Measure an aggregator from its assignment until it has counted the log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorNotAvailableError

from benchmarks import cpu
from benchmarks.contestant import Measured
from benchmarks.log import Log
from benchmarks.memory import resident
from mostread.infra.kafka import topics
from tests.support.system import wait_until

ASSIGNED = b"partitions_assigned"
"""Logged by contestants of Faust and by others that know when their partitions are assigned."""

MAX_SECONDS = 900

Condition = Callable[[], bool]


class Group:
    """Consumer group of a contestant."""

    def __init__(self, admin: KafkaAdminClient, name: str, log: Log) -> None:
        self._admin = admin
        self._name = name
        topic = log.kafka.events_topic
        self._ends = {TopicPartition(topic, number): end for number, end in log.ends.items() if end}

    def is_stable(self) -> bool:
        """Return whether partitions are assigned to the members."""
        try:
            described = self._admin.describe_groups([self._name])[self._name]
        except CoordinatorNotAvailableError:
            return False  # the broker is creating its topic of groups
        return bool(described["group_state"] == "Stable")

    def has_committed(self) -> bool:
        """Return whether all of the log is committed, and what Quix Streams regrouped of it."""
        return self._covers(self._ends) and self._covers(self._regrouped())

    def _covers(self, ends: dict[TopicPartition, int]) -> bool:
        offsets = self._admin.list_group_offsets([self._name])[self._name]
        return all(each in offsets and offsets[each].offset >= end for each, end in ends.items())

    def _regrouped(self) -> dict[TopicPartition, int]:
        """Return the end offsets of the topic in between, which are final by now."""
        prefix = f"repartition__{self._name}--"
        names = [name for name in self._admin.list_topics() if name.startswith(prefix)]
        partitions = [
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in (self._admin.describe_topics(names) if names else [])
            for partition in topic["partitions"]
        ]
        if not partitions:
            return {}
        ends = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        return {partition: end.offset for partition, end in ends.items() if end.offset}


@contextmanager
def group(log: Log, name: str) -> Iterator[Group]:
    """Yield the consumer group `name`."""
    with topics.admin(log.kafka) as admin:
        yield Group(admin, name, log)


def logs_assignment(log_file: Path) -> Condition:
    """Return the condition that a contestant has logged its assignment."""
    return lambda: ASSIGNED in log_file.read_bytes()


def watch(log: Log, pid: int, *, assigned: Condition, finished: Condition) -> Measured:
    """Measure a process from one condition to the other.

    `wrong` is 0 in the result; only the contestant's store knows it.
    """
    wait_until(assigned, "partitions are assigned")
    began, used = time.monotonic(), cpu.used(pid)
    memory = []

    def sampled() -> bool:
        memory.append(resident(pid))
        return finished()

    wait_until(sampled, "the log is counted", MAX_SECONDS)
    elapsed = time.monotonic() - began
    processor = (cpu.used(pid) - used) * 1e6 / log.load.events
    return Measured(log.load.events / elapsed, processor, 0, tuple(memory))
