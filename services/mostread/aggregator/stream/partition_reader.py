"""Read partitions through aiokafka's public methods, up to exactly what cannot be read."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from mostread.errors import UnreadableBatch
from mostread.infra.kafka.decompression import UnreadableError


class PartitionReader:
    """Reads the assigned partitions of a consumer, each by itself.

    aiokafka raises the error of a batch and drops the good records that it fetched before it, and
    those of other partitions in the same call. A partition that failed is therefore read record
    by record.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._failed: dict[TopicPartition, int] = {}

    async def read(
        self, tp: TopicPartition, *, timeout_ms: int = 0, max_records: int | None = None
    ) -> Sequence[Any]:
        """Return the next records of `tp`, waiting up to `timeout_ms` for the first.

        Raises UnreadableBatch once reading has failed twice at the position: damage on the way
        from the broker passes.
        """
        consumer, failed = self._consumer, self._failed.get(tp)
        if failed is not None:
            max_records = 1
        try:
            fetched = await consumer.getmany(tp, timeout_ms=timeout_ms, max_records=max_records)
        except UnreadableError as error:
            position = await consumer.position(tp)
            if position == failed:
                del self._failed[tp]
                raise unreadable_batch(tp, position, error, consumer.highwater(tp)) from error
            self._failed[tp] = position
            return []
        records = list(fetched.get(tp, ()))
        if failed is not None and not records and await consumer.position(tp) > failed:
            del self._failed[tp]
        return records


def unreadable_batch(
    tp: TopicPartition, position: int, error: UnreadableError, highwater: int | None
) -> UnreadableBatch:
    """Return the error of the batch at `position`."""
    after = error.next_offset
    # A header that points beyond the partition is itself broken.
    if after is not None and not position < after <= (highwater or 0):
        after = None
    return UnreadableBatch(tp.topic, tp.partition, position, after, error.reason)
