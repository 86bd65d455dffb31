"""Faust's own transport, with a record per message, for any version of Faust and aiokafka.

It is several times slower than the fast transport, and reads through aiokafka's public methods.
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError
from faust.types import TP, ConsumerMessage

from mostread.aggregator.stream.consumer import (
    CheckpointConsumer,
    CheckpointTransport,
    CommittedReads,
)
from mostread.aggregator.stream.partition_reader import PartitionReader
from mostread.errors import UnreadableBatch

IDLE_SECONDS = 0.1
"""Pause after a round in which no partition had records."""


class StockThread(CommittedReads):
    """Consumer thread that reads one partition after the other."""

    _reader: PartitionReader | None = None
    _turn = 0

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Set[TP],
        timeout: float = 1.0,  # noqa: ASYNC109 -- Faust's own
        max_records: int = 1,
    ) -> Mapping[TP, Sequence[Any]]:
        if not self.consumer.flow_active:
            return {}
        if self._reader is None:
            self._reader = PartitionReader(consumer)
        # Return records of one read only: a rebalance in a later one would make them outdated.
        partitions = sorted(active_partitions - self.consumer.stopped)
        for _ in partitions:
            self._turn += 1
            tp = partitions[self._turn % len(partitions)]
            try:
                records = await self._reader.read(TopicPartition(*tp), max_records=max_records)
            except UnreadableBatch as error:
                return {tp: [error]}
            except IllegalStateError:  # it was revoked meanwhile
                return {}
            if records:
                return {tp: records}
        await asyncio.sleep(IDLE_SECONDS)
        return {}


class StockConsumer(CheckpointConsumer):
    """Consumer with a message per record."""

    def _new_consumer_thread(self) -> StockThread:
        return StockThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if isinstance(record, UnreadableBatch):
            return self.stop_partition(record, self.app.consumer_generation_id)
        return super()._to_message(tp, record)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Ignore offsets without records: `_new_offset` does not need them.

        Faust would hold each offset of the gap in memory, and compaction leaves billions.
        """


class StockTransport(CheckpointTransport):
    """Faust's transport with StockConsumer."""

    Consumer = StockConsumer
