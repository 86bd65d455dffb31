"""Take fetched records from aiokafka's parser, in whole Kafka batches.

aiokafka's public methods build a second Python object per record from the one that its C parser
has built. That was half the cost of a record with one event. This module reads private parts of
aiokafka 0.14.0; tests/unit/aggregator/test_fetcher.py compares them with the installed version.
"""

import asyncio
from collections.abc import Container, Sequence

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from mostread.core.records import Record


async def fetch_records(
    fetcher: Fetcher,
    partitions: Container[TopicPartition],
    *,
    timeout: float,  # noqa: ASYNC109
    max_records: int,
) -> dict[TopicPartition, Sequence[Record]]:
    """Return fetched records by partition, waiting up to `timeout` seconds for the first.

    Returns whole Kafka batches until they hold `max_records` records. Raises aiokafka's errors for
    a partition that cannot be read.
    """
    records = await _take(fetcher, partitions, max_records)
    if not records:
        # An exception on the waiter is for this consumer, for example that the group is gone.
        waiter = fetcher._create_fetch_waiter()
        done, _ = await asyncio.wait([waiter], timeout=timeout)
        if not done:
            waiter.cancel()
            return {}
        waiter.result()
        if fetcher._closed:
            return {}
        records = await _take(fetcher, partitions, max_records)
    return records


async def _take(
    fetcher: Fetcher, partitions: Container[TopicPartition], max_records: int
) -> dict[TopicPartition, Sequence[Record]]:
    # The fetcher continues until the new assignment arrives: skip records of the old one.
    if fetcher._subscriptions.reassignment_in_progress:
        await fetcher._subscriptions.wait_for_assignment()
    taken: dict[TopicPartition, Sequence[Record]] = {}
    for tp, result in list(fetcher._records.items()):
        if tp not in partitions:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
        elif isinstance(result, FetchResult):
            try:
                records = take_batches(result, max_records)
            except CorruptRecordException:
                # Return the records of other partitions first. This one is fetched again, and
                # raises in the next call if it is still corrupt.
                _drop(fetcher, tp)
                if taken:
                    break
                raise
            if not result.has_more():
                _drop(fetcher, tp)
            if records:
                taken[tp] = records
                max_records -= len(records)
        elif taken:
            break  # the next call raises the error
        else:
            _drop(fetcher, tp)
            result.check_raise()
    return taken


def _drop(fetcher: Fetcher, tp: TopicPartition) -> None:
    """Drop the fetched records of a partition, so that the fetcher fetches more."""
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)


def take_batches(result: FetchResult, max_records: int) -> Sequence[Record]:
    """Return the next batches of `result` until they hold `max_records` records, or all.

    Returns nothing for another assignment or position. Raises CorruptRecordException without
    advancing the position; `result` must then be dropped and fetched again.
    """
    if not result.check_assignment(result._topic_partition) or not result.has_more():
        return []
    part = result._partition_records
    taken: list[Record] = []
    while len(taken) < max_records and part._records.has_next():
        taken += _next_batch(part)
    result._update_position()
    if not part._records.has_next():
        # Its unused iterator refers back to it: break the cycle.
        part._records_iterator = None
        result._partition_records = None
    return taken


def _next_batch(part: PartitionRecords) -> list[Record]:
    batch = part._records.next_batch()
    if part._check_crcs and not batch.validate_crc():
        raise CorruptRecordException(f"a batch of {part._tp} is corrupt: wrong checksum")
    start, part.next_fetch_offset = part.next_fetch_offset, batch.next_offset
    if batch.is_control_batch:
        return []
    records: list[Record] = list(batch)
    if records and records[0].offset < start:
        # A fetch starts with the batch that contains its offset.
        records = [record for record in records if record.offset >= start]
    return records
