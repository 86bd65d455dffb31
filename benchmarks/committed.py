"""The watch of the aggregators: from partitions assigned to every offset committed."""

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
"""What a contestant writes into its log when its partitions begin to flow."""

LONGEST_SECONDS = 900


def watch(log: Log, group: str, said: Path, pid: int) -> Measured:
    """Wait until `pid`, whose output is in `said`, is assigned; measure until all is committed.

    What it counted is left at 0: only the contestant's own store can tell.
    """
    wait_until(lambda: ASSIGNED in said.read_bytes(), "partitions are assigned")
    began, used = time.monotonic(), cpu.used(pid)
    memory = []
    topic = log.kafka.events_topic
    ends = {TopicPartition(topic, number): end for number, end in log.ends.items() if end}
    with topics.admin(log.kafka) as admin:

        def committed() -> bool:
            memory.append(resident(pid))
            offsets = admin.list_group_offsets([group])[group]
            return all(place in offsets and offsets[place].offset >= ends[place] for place in ends)

        wait_until(committed, "all offsets are committed", LONGEST_SECONDS)
    took = time.monotonic() - began
    processor = (cpu.used(pid) - used) * 1e6 / log.load.events
    return Measured(log.load.events / took, processor, 0, tuple(memory))
