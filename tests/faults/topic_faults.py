"""Operator actions on the events topic under traffic.

An id is known as a duplicate within its partition, so no event may be sent again across these:
see docs/explanation/exactness.md; the traffic keeps to it.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kafka.admin import NewPartitions

from mostread.infra.kafka import topics
from tests.faults.fault import EVERYTHING, Fault
from tests.faults.log import ends, topic_of
from tests.faults.rig import Mostread
from tests.faults.verdict import all_counted
from tests.support.system import Service


@contextmanager
def partitions_added(rig: Mostread, _: random.Random) -> Iterator[None]:
    rig.wait_ready()
    rig.traffic.repeats = False
    # Requests in flight may hold events sent before.
    rig.traffic.pause()
    rig.traffic.go_on()
    before = topic_of(rig.system).partitions
    with topics.admin(rig.system.kafka) as admin:
        admin.create_partitions({rig.topic: NewPartitions(total_count=before + 2)})

    def used_by_all() -> bool:
        offsets = ends(rig.system)
        return all(offsets.get(number, 0) > 0 for number in range(before + 2))

    rig.wait(used_by_all, "events come into the new partitions")
    rig.wait(lambda: used_by_collectors(rig) == {before + 2}, "all collectors send to them")
    rig.traffic.pause()
    rig.traffic.forget()
    rig.traffic.repeats = True
    rig.traffic.go_on()
    yield


@contextmanager
def recreate(rig: Mostread, _: random.Random) -> Iterator[None]:
    """Delete and recreate the topic once it is counted; the counts stay."""
    rig.wait_ready()
    rig.traffic.pause()
    rig.wait(lambda: all_counted(rig), "what was sent is counted")
    rig.traffic.forget()
    partitions = topic_of(rig.system).partitions
    with topics.admin(rig.system.kafka) as admin:
        admin.delete_topics([rig.topic])
        rig.wait(lambda: rig.topic not in admin.list_topics(), "the topic is gone")
    time.sleep(2)
    # The same number of partitions: an event sent to one partition and resent to another would
    # count twice.
    rig.system.init(partitions, len(rig.kafka_line.all))
    rig.traffic.go_on()
    yield


def used_by_collectors(rig: Mostread) -> set[int]:
    """Return how many partitions each collector sends to."""
    return {
        int(each.metric("mostread_collector_partitions"))
        for each in rig.collectors.all()
        if isinstance(each, Service)
    }


FAULTS: list[Fault[Mostread]] = [
    Fault("partitions are added", EVERYTHING, (0, 2), partitions_added),
    Fault("the topic is deleted and recreated", EVERYTHING, (0, 2), recreate),
]
