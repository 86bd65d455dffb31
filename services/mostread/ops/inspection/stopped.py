"""Partitions that wait at a batch which cannot be read."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.errors import KafkaUnavailable, UnreadableBatch
from mostread.ops.inspection.clients import SystemClients
from mostread.ops.inspection.progress import PartitionProgress

_SECONDS_PER_PARTITION = 2


def stopped_partitions(
    clients: SystemClients, partitions: Iterable[PartitionProgress], stale_after: float
) -> list[UnreadableBatch]:
    """Return what cannot be read next in partitions whose watermark is older than `stale_after` s.

    Raises DependencyUnavailable and MostreadError.
    """
    since = clients.now_ms() - stale_after * 1000
    behind = [p for p in partitions if p.lag and p.checkpoint and p.checkpoint.watermark < since]
    settings = clients.settings(AggregatorSettings)
    return asyncio.run(_unreadable_batches(settings, behind)) if behind else []


async def _unreadable_batches(
    settings: AggregatorSettings, partitions: Iterable[PartitionProgress]
) -> list[UnreadableBatch]:
    unreadable = []
    log = EventTopic(settings)
    try:
        for partition in partitions:
            start = max(partition.next_offset, partition.offsets.first)
            records = log.read(partition.number, start, partition.offsets.stable_end)
            try:
                async with asyncio.timeout(_SECONDS_PER_PARTITION), aclosing(records):
                    await anext(records, None)
            except UnreadableBatch as error:
                unreadable.append(error)
            except (KafkaUnavailable, TimeoutError):
                continue  # other checks report that
    finally:
        await log.close()
    return unreadable
