"""Partitions that workers have stopped, and why."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.stream.event_topic import LOST_RECORDS, EventTopic
from mostread.core.skipped import SkippedRange, skip_end
from mostread.errors import (
    FetchRefused,
    KafkaUnavailable,
    LogInconsistent,
    MostreadError,
    UnreadableBatch,
)
from mostread.ops.inspection.clients import SystemClients
from mostread.ops.inspection.progress import PartitionProgress, events_topic

_SECONDS_PER_PARTITION = 3
_SECONDS = 6


class Stopped(NamedTuple):
    """A partition and why its worker does not count it."""

    partition: int
    error: MostreadError


def stopped_partitions(
    clients: SystemClients, partitions: Iterable[PartitionProgress], stale_after: float
) -> list[Stopped]:
    """Return the partitions whose watermark is older than `stale_after` s and which have stopped.

    Raises DependencyUnavailable and MostreadError.
    """
    since = clients.now_ms() - stale_after * 1000
    behind = [p for p in partitions if p.checkpoint and p.checkpoint.watermark < since]
    if not behind:
        return []
    settings = clients.settings(AggregatorSettings)
    skipped = clients.skipped_ranges(events_topic(clients).id)
    return asyncio.run(_find_stopped(settings, behind, skipped))


async def _find_stopped(
    settings: AggregatorSettings,
    partitions: Iterable[PartitionProgress],
    skipped: Mapping[int, Sequence[SkippedRange]],
) -> list[Stopped]:
    stopped = []
    log = EventTopic(settings)
    try:
        async with asyncio.timeout(_SECONDS):
            for partition in partitions:
                try:
                    async with asyncio.timeout(_SECONDS_PER_PARTITION):
                        await _read(log, partition, skipped.get(partition.number, ()))
                except (UnreadableBatch, LogInconsistent, FetchRefused) as error:
                    stopped.append(Stopped(partition.number, error))
                except (KafkaUnavailable, TimeoutError):
                    continue  # other checks report that
    except TimeoutError:
        pass
    finally:
        await log.close()
    return stopped


async def _read(
    log: EventTopic, partition: PartitionProgress, skipped: Sequence[SkippedRange]
) -> None:
    """Read what the worker needs next: the batch to count, then what recovery reads before it."""
    number, offsets, checkpoint = partition.number, partition.offsets, partition.checkpoint
    if partition.missing:
        raise LogInconsistent(
            f"partition {number} ends at offset {offsets.end:,}, but records up to "
            f"{partition.next_offset:,} are counted: {LOST_RECORDS}"
        )
    start = skip_end(max(partition.next_offset, offsets.first), skipped)
    async with aclosing(log.read(number, start, offsets.stable_end)) as records:
        await anext(records, None)
    if checkpoint and checkpoint.record_time >= 0:
        past = log.reread(
            number,
            until=partition.next_offset,
            record_time=checkpoint.record_time,
            skipped=skipped,
        )
        async with aclosing(past):
            async for _ in past:
                pass
