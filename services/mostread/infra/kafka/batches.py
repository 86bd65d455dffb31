"""Record batches that kafka-python reads within bounds, or that say why they cannot be read.

kafka-python decompresses without a limit, and its errors do not tell where a broken batch ends.
aggregator/stream/batches.py is the same for aiokafka.
"""

from typing import Any

import kafka.consumer.fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch

from mostread.errors import Misconfigured
from mostread.infra.kafka.decompression import UnreadableError
from mostread.infra.kafka.legacy_batch import LegacyBatch
from mostread.infra.kafka.record_batches import BatchSplitter, PartialBatch, read_records


def install() -> None:
    """Make kafka-python's consumers read BoundedBatches. Raises Misconfigured if they cannot."""
    if not hasattr(kafka.consumer.fetcher, "MemoryRecords"):
        raise Misconfigured(
            "mostread cannot bound what this version of kafka-python decompresses; install the one "
            "that mostread locks"
        )
    kafka.consumer.fetcher.MemoryRecords = BoundedBatches


class BoundedBatches(BatchSplitter):
    """The batches of one fetched partition; kafka-python's MemoryRecords."""

    def next_batch(self) -> "BoundedBatch | LegacyBatch | None":
        """Return the next batch, None at the end. Raises UnreadableError."""
        if not self.has_next():
            return None
        magic, data = self.next()
        return LegacyBatch(data) if magic < 2 else BoundedBatch(bytes(data))


class BoundedBatch(PartialBatch, DefaultRecordBatch):  # type: ignore[misc]
    """A batch of format version 2; whatever is wrong with it raises UnreadableError."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._data = data

    def validate_crc(self) -> bool:
        """Return true, or raise UnreadableError."""
        if self.next_offset <= self.base_offset:
            raise UnreadableError("the batch ends before it begins")
        if not super().validate_crc():
            raise UnreadableError("wrong checksum", self.next_offset)
        return True

    def read_into(self, records: list[Any]) -> None:
        offsets = range(self.base_offset, self.next_offset)
        data = memoryview(self._data)
        read_records(data, offsets, records, DefaultRecordBatch, CorruptRecordError)

    def __next__(self) -> Any:
        """Return the record of a control batch, None if compaction has removed it."""
        return next(iter(self), None)
