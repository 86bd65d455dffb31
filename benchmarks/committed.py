"""Measure an aggregator from its assignment until all offsets are committed."""

import time
from pathlib import Path

from kafka import TopicPartition

from benchmarks import cpu
from benchmarks.contestant import Measured
from benchmarks.log import Log
from benchmarks.memory import resident
from mostread.infra.kafka import topics
from tests.support.system import wait_until

ASSIGNED = b"partitions_assigned"
"""Logged by each contestant when its partitions are assigned."""

MAX_SECONDS = 900


def watch(log: Log, group: str, log_file: Path, pid: int) -> Measured:
    """Wait until the process has its partitions, then measure until it has committed all of `log`.

    Its output is in `log_file`. `counted` is 0 in the result; only the contestant's store knows it.
    """
    wait_until(lambda: ASSIGNED in log_file.read_bytes(), "partitions are assigned")
    began, used = time.monotonic(), cpu.used(pid)
    memory = []
    topic = log.kafka.events_topic
    ends = {TopicPartition(topic, number): end for number, end in log.ends.items() if end}
    with topics.admin(log.kafka) as admin:

        def committed() -> bool:
            memory.append(resident(pid))
            offsets = admin.list_group_offsets([group])[group]
            return all(
                partition in offsets and offsets[partition].offset >= ends[partition]
                for partition in ends
            )

        wait_until(committed, "all offsets are committed", MAX_SECONDS)
    elapsed = time.monotonic() - began
    processor = (cpu.used(pid) - used) * 1e6 / log.load.events
    return Measured(log.load.events / elapsed, processor, 0, tuple(memory))
