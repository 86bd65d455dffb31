"""What aiokafka has fetched, taken as its parser has it: whole batches of records.

aiokafka's own way out makes an object of each record, in Python, of what its parser in C has
made an object of already. That was half of what a record of one event cost. It reads private
parts of aiokafka 0.14.0; tests/unit/aggregator/test_fetching.py holds them against the installed
version.
"""

import asyncio
from collections.abc import Container, Sequence

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from mostread.core.records import Record


async def fetched(
    fetcher: Fetcher, partitions: Container[TopicPartition], *, within: float, enough: int
) -> dict[TopicPartition, Sequence[Record]]:
    """Return what is there of `partitions`, or comes `within` so many seconds.

    Of each it is whole batches, no more than reach `enough` records. Raises what aiokafka does
    where a partition cannot be read.
    """
    records = await _take(fetcher, partitions, enough)
    if not records:
        # Whoever set an exception meant it for us: the group is gone, say.
        waiter = fetcher._create_fetch_waiter()
        done, _ = await asyncio.wait([waiter], timeout=within)
        if not done:
            waiter.cancel()
            return {}
        waiter.result()
        if fetcher._closed:
            return {}
        records = await _take(fetcher, partitions, enough)
    return records


async def _take(
    fetcher: Fetcher, partitions: Container[TopicPartition], enough: int
) -> dict[TopicPartition, Sequence[Record]]:
    # It fetches until the new assignment is there: what came for the old one is not for us.
    if fetcher._subscriptions.reassignment_in_progress:
        await fetcher._subscriptions.wait_for_assignment()
    taken: dict[TopicPartition, Sequence[Record]] = {}
    for place, result in list(fetcher._records.items()):
        if place not in partitions:
            if not fetcher._subscriptions.is_assigned(place):
                del fetcher._records[place]
        elif isinstance(result, FetchResult):
            try:
                records = take(result, enough)
            except CorruptRecordException:
                # What was taken of others must go out. This one is fetched again, and if it is
                # still corrupt, so it will be said then.
                _forget(fetcher, place)
                if taken:
                    break
                raise
            if not result.has_more():
                _forget(fetcher, place)
            if records:
                taken[place] = records
                enough -= len(records)
        elif taken:
            break  # the error comes with the next call
        else:
            _forget(fetcher, place)
            result.check_raise()
    return taken


def _forget(fetcher: Fetcher, place: TopicPartition) -> None:
    """Drop what was fetched of a partition, so that more of it is."""
    del fetcher._records[place]
    fetcher._notify(fetcher._wait_consume_future)


def take(result: FetchResult, enough: int) -> Sequence[Record]:
    """Return the next batches of `result` until they hold `enough` records, or all of them.

    None that belongs to another assignment or position. Raises CorruptRecordException, and the
    position stays where it was: `result` is of no more use, and must be fetched again.
    """
    if not result.check_assignment(result._topic_partition) or not result.has_more():
        return []
    part = result._partition_records
    taken: list[Record] = []
    while len(taken) < enough and part._records.has_next():
        taken += _next_batch(part)
    result._update_position()
    if not part._records.has_next():
        # Its own iterator, of which we made no use, holds it in a cycle.
        part._records_iterator = None
        result._partition_records = None
    return taken


def _next_batch(part: PartitionRecords) -> list[Record]:
    batch = part._records.next_batch()
    if part._check_crcs and not batch.validate_crc():
        raise CorruptRecordException(f"a batch of {part._tp} is corrupt, its checksum is wrong")
    start, part.next_fetch_offset = part.next_fetch_offset, batch.next_offset
    if batch.is_control_batch:
        return []
    records: list[Record] = list(batch)
    if records and records[0].offset < start:
        # A fetch begins with the whole batch that its offset lies in.
        records = [record for record in records if record.offset >= start]
    return records
