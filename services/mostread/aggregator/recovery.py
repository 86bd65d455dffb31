"""Taking a partition over: from where its counters say, with the ids of its recent past."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.retry import SupersededError
from mostread.aggregator.servers import Servers
from mostread.core.counting.dedup import MEMORY_MS
from mostread.core.counting.partition import PartitionCount, Position
from mostread.errors import LogInconsistent


async def take_over(
    servers: Servers,
    settings: AggregatorSettings,
    partition: int,
    position: Position | None,
    *,
    share: int,
    still_ours: Callable[[], bool],
) -> PartitionCount:
    """Return the counting of `partition` from `position` on, knowing its recent ids.

    `share` is how many partitions share the memory for counters. Raises KafkaUnavailable,
    SupersededError, and LogInconsistent where the log ends before what was counted of it.
    """
    begin, end = (await servers.log.ends([partition]))[partition]
    next_offset = position.next_offset if position else 0
    if end < next_offset:
        raise LogInconsistent(
            f"partition {partition} ends at offset {end}, but {next_offset} records of it are "
            "counted: Kafka has lost acknowledged records; restore them, or see "
            "docs/how-to/operations.md"
        )
    if position:
        servers.report_lost(partition, range(next_offset, begin))
    counting = PartitionCount(
        position,
        lateness=settings.lateness,
        capacity=settings.aggregator_counter_cache_size // share,
    )
    if position and position.record_time >= 0:
        since = position.record_time - MEMORY_MS
        past = servers.log.reread(partition, since=since, until=next_offset)
        async with aclosing(past):
            async for records in past:
                counting.remember(records)
                await asyncio.sleep(0)
                if not still_ours():
                    raise SupersededError
    return counting
