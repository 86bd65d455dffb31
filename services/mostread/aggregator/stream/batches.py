"""Record batches that are read within bounds, or say why they cannot be read.

aiokafka passes fetched bytes to its class MemoryRecords. `install` puts Batches in its place, for
every consumer of the process, because

- decompression must stop at a limit;
- the reader of a batch that is broken, in whatever way, must know the offset after it;
- each batch has its own format version, and aiokafka's C class assumes that of the first.
"""

from typing import Any

import aiokafka.consumer.fetcher
from aiokafka.record.default_records import DefaultRecordBatch

from mostread.errors import Misconfigured
from mostread.infra.kafka.decompression import UnreadableError
from mostread.infra.kafka.legacy_batch import LegacyBatch
from mostread.infra.kafka.record_batches import BatchSplitter, PartialBatch, read_records

_MARKER_BYTES = 4
"""Version and type of a control record, in its key."""


class _Commit:
    """Control record in place of one that compaction has removed; it aborts nothing."""

    key = b"\0\0\0\1"


def install() -> None:
    """Make aiokafka's consumers read Batches. Raises Misconfigured for an unknown aiokafka."""
    if not hasattr(aiokafka.consumer.fetcher, "MemoryRecords"):
        raise Misconfigured(
            "mostread cannot bound what this version of aiokafka decompresses; install the one "
            "that mostread pins"
        )
    aiokafka.consumer.fetcher.MemoryRecords = Batches


class Batches(BatchSplitter):
    """The batches of one fetched partition; aiokafka's MemoryRecords."""

    def next_batch(self) -> "Batch | LegacyBatch":
        """Return the next batch. Raises UnreadableError if even its header is unusable."""
        magic, data = self.next()
        return LegacyBatch(data) if magic < 2 else Batch(data)


class Batch(PartialBatch):
    """A batch of format version 2; aiokafka's DefaultRecordBatch."""

    __slots__ = (
        "_batch",
        "_data",
        "base_offset",
        "is_control_batch",
        "is_transactional",
        "next_offset",
        "producer_id",
        "size",
    )

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._batch = batch = DefaultRecordBatch(data)
        self.base_offset: int = batch.base_offset
        self.next_offset: int = batch.next_offset
        self.producer_id: int = batch.producer_id
        self.is_control_batch: bool = batch.is_control_batch
        self.is_transactional: bool = batch.is_transactional
        self.size = len(data)
        """Bytes, decompressed once the records are read."""

    def validate_crc(self) -> bool:
        """Return true, or raise UnreadableError."""
        if self.next_offset <= self.base_offset:
            raise UnreadableError("the batch ends before it begins")
        if not self._batch.validate_crc():
            raise UnreadableError("wrong checksum", self.next_offset)
        return True

    def read_into(self, taken: list[Any]) -> None:
        """Append the records to `taken`, before an error those that precede it.

        Raises UnreadableError, or what the parser does; `explain` translates that.
        """
        offsets = range(self.base_offset, self.next_offset)
        self.size = read_records(self._data, offsets, taken, DefaultRecordBatch, UnicodeDecodeError)

    def __next__(self) -> Any:
        """Return the record of a control batch."""
        try:
            marker = next(iter(self), _Commit)
            if len(marker.key) < _MARKER_BYTES:
                raise ValueError("its key is too short")
        except Exception as error:
            raise self.explain(error) from error
        return marker
