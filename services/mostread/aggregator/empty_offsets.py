"""Offsets at the end of a partition that hold no record to count.

Markers of transactions, aborted records, and what retention removed before it was counted: nothing
of it arrives in the stream, so nothing would move the checkpoint of an idle partition beyond it,
and lag and watermark would stand still until the next record.
"""

import time
from collections.abc import Mapping

from mostread.aggregator.assigned import AssignedCounters, RefusedPartition
from mostread.aggregator.metrics import Loss
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.errors import FetchRefused


async def pass_empty_offsets(
    assigned: AssignedCounters, ranges: Mapping[int, tuple[int, int]], topic: EventTopic
) -> Mapping[int, int]:
    """Move idle partitions over offsets without a record, up to the first open transaction.

    Returns the offsets at which they end. Stopped partitions stay where they cannot be read, as do
    those of which a broker refuses fetches.
    `ranges` holds the first offset of each partition and the one after its last. An independent
    read proves that they hold nothing which the stream may still deliver. Raises
    KafkaUnavailable, and may be repeated.
    """
    idle = {
        number: counter
        for number, counter in assigned.counters.items()
        if number not in assigned.stopped
        and counter.is_idle
        and counter.next_offset < ranges[number][1]
    }
    before, assigned.removed = assigned.removed, {}
    refused: dict[int, RefusedPartition] = {}
    ends = await topic.stable_ends(list(idle)) if idle else {}
    for number, counter in idle.items():
        at = counter.next_offset
        start, end = max(at, ranges[number][0]), ends[number]
        try:
            position = await topic.position_after(number, start, end) if start < end else start
        except FetchRefused as error:
            since = assigned.refused.get(number)
            refused[number] = since or RefusedPartition(error, time.monotonic())
            continue
        if position <= at:
            continue
        if start > at and (position < end or before.get(number) != start):
            # `count` will see the gap once a record arrives: one behind it, or one that was
            # fetched before retention removed it.
            assigned.removed[number] = start
            continue
        begin, _ = (await topic.offset_ranges([number]))[number]
        if begin > start or counter.next_offset != at:
            continue  # The read may be incomplete, or a record arrived: look again.
        if start > at:
            assigned.lose(Loss(number, range(at, start), "retention"))
        counter.advance(position)
    assigned.refused = refused
    return ends
