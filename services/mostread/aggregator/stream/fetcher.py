"""Take fetched records from aiokafka's parser, in whole Kafka batches.

aiokafka's public methods build a second Python object per record from the one that its C parser
has built. That was half the cost of a record with one event. This module reads private parts of
aiokafka 0.14.0; tests/unit/aggregator/test_fetcher.py compares them with the installed version.
"""

import asyncio
from collections.abc import Container
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, Fetcher, FetchResult, PartitionRecords

from mostread.aggregator.stream.batches import Batch
from mostread.aggregator.stream.partition_reader import unreadable_batch
from mostread.core.records import Record
from mostread.errors import UnreadableBatch
from mostread.infra.kafka.decompression import UnreadableError
from mostread.infra.kafka.legacy_batch import LegacyBatch

MAX_TAKE_BYTES = 16 << 20
"""Bytes of decompressed batches to return at once, beyond which no other batch is opened."""


class Records(list[Record]):
    """Fetched records, and the bytes of their decompressed batches."""

    size = 0


Taken = dict[TopicPartition, Records | UnreadableBatch]


class RecordFetcher:
    """Takes records from a Fetcher of aiokafka.

    A batch counts as unreadable once it has failed twice: damage on the way from the broker passes.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._failed: dict[TopicPartition, int] = {}

    async def fetch(
        self,
        partitions: Container[TopicPartition],
        *,
        timeout: float,  # noqa: ASYNC109
        max_records: int,
    ) -> Taken:
        """Return fetched records by partition, waiting up to `timeout` seconds for the first.

        Returns whole Kafka batches until they hold `max_records` records or MAX_TAKE_BYTES; for a
        partition that cannot be read at its position, returns why. Raises other errors of aiokafka.
        """
        fetcher = self._fetcher
        taken = await self._take(partitions, max_records)
        if not taken:
            # An exception on the waiter is for this consumer, for example that the group is gone.
            waiter = fetcher._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=timeout)
            if not done:
                waiter.cancel()
                return {}
            waiter.result()
            if fetcher._closed:
                return {}
            taken = await self._take(partitions, max_records)
        return taken

    async def _take(self, partitions: Container[TopicPartition], max_records: int) -> Taken:
        fetcher = self._fetcher
        # The fetcher continues until the new assignment arrives: skip records of the old one.
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        taken: Taken = {}
        max_bytes = MAX_TAKE_BYTES
        for tp, result in list(fetcher._records.items()):
            if tp not in partitions:
                if not fetcher._subscriptions.is_assigned(tp):
                    del fetcher._records[tp]
            elif isinstance(result, FetchResult):
                if max_records <= 0 or max_bytes <= 0:
                    break
                batches = take_batches(result, max_records, max_bytes)
                if not result.has_more():
                    self._drop(tp)
                if batches.records:
                    taken[tp] = batches.records
                    max_records -= len(batches.records)
                    max_bytes -= batches.records.size
                elif batches.error is not None and self._failed.get(tp) == batches.position:
                    highwater = result._assignment.state_value(tp).highwater
                    taken[tp] = unreadable_batch(tp, batches.position, batches.error, highwater)
                if batches.error is not None:
                    self._failed[tp] = batches.position
            elif taken:
                break  # the next call raises the error
            else:
                self._drop(tp)
                result.check_raise()
        return taken

    def _drop(self, tp: TopicPartition) -> None:
        """Drop the fetched records of a partition, so that the fetcher fetches more."""
        del self._fetcher._records[tp]
        self._fetcher._notify(self._fetcher._wait_consume_future)


class Take(NamedTuple):
    """Records up to `position`, and why that cannot be read, if so."""

    records: Records
    position: int
    error: UnreadableError | None


def take_batches(result: FetchResult, max_records: int, max_bytes: int) -> Take:
    """Return the next batches of `result` until they hold enough, or all.

    Returns nothing for another assignment or position. After an error the position is the first
    offset that cannot be read, and `result` has no more.
    """
    taken = Records()
    failure = None
    if not result.check_assignment(result._topic_partition) or not result.has_more():
        return Take(taken, -1, failure)
    part = result._partition_records
    try:
        while len(taken) < max_records and taken.size < max_bytes and part._records.has_next():
            _take_batch(part, taken)
    except UnreadableError as error:
        failure = error
    result._update_position()
    position = part.next_fetch_offset
    if failure is not None or not part._records.has_next():
        # Its unused iterator refers back to it: break the cycle.
        part._records_iterator = None
        result._partition_records = None
    return Take(taken, position, failure)


def _take_batch(part: PartitionRecords, taken: Records) -> None:
    """Append the records of the next batch to `taken`.

    If one of its records is broken, appends those before that one.
    """
    batch: Batch | LegacyBatch = part._records.next_batch()
    if part._check_crcs:
        batch.validate_crc()
    if _is_aborted(part, batch) or batch.is_control_batch:
        part.next_fetch_offset = batch.next_offset
        return
    start, count = part.next_fetch_offset, len(taken)
    end = batch.next_offset
    try:
        batch.read_into(taken)
    except Exception as error:
        end = taken[-1].offset + 1 if len(taken) > count else start
        raise batch.explain(error) from error
    finally:
        if len(taken) > count and taken[count].offset < start:
            # A fetch starts with the batch that contains its offset.
            taken[count:] = [record for record in taken[count:] if record.offset >= start]
        part.next_fetch_offset = max(start, end)
        taken.size += batch.size


def _is_aborted(part: PartitionRecords, batch: Batch | LegacyBatch) -> bool:
    """Return whether the transaction of `batch` was aborted, as `_unpack_records` does."""
    if part._isolation_level != READ_COMMITTED or batch.producer_id is None:
        return False
    part._consume_aborted_up_to(batch.base_offset)
    if batch.is_control_batch and part._contains_abort_marker(batch):
        part._aborted_producers.discard(batch.producer_id)
    return batch.is_transactional and batch.producer_id in part._aborted_producers
