"""Record batches that are read within bounds, or say why they cannot be read.

aiokafka passes fetched bytes to its class MemoryRecords. `install` puts Batches in its place, for
every consumer of the process, because

- decompression must stop at a limit;
- the reader of a batch that is broken, in whatever way, must know the offset after it;
- each batch has its own format version, and aiokafka's C class assumes that of the first.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import aiokafka.consumer.fetcher
from aiokafka.record.default_records import DefaultRecordBatch

from mostread.aggregator.stream.legacy_batch import LegacyBatch
from mostread.errors import Misconfigured
from mostread.infra.kafka.decompression import UnreadableError, decompress, describe

_LENGTH = struct.Struct(">i")
_LENGTH_AT, _LENGTH_END, _MAGIC_AT, _CODEC_AT, _HEADER_BYTES = 8, 12, 16, 22, 61
_MIN_LENGTH = 14
_CODEC_MASK = 0x07
_MARKER_BYTES = 4
"""Version and type of a control record, in its key."""


def install() -> None:
    """Make aiokafka's consumers read Batches. Raises Misconfigured for an unknown aiokafka."""
    if not hasattr(aiokafka.consumer.fetcher, "MemoryRecords"):
        raise Misconfigured(
            "mostread cannot bound what this version of aiokafka decompresses; install the one "
            "that mostread pins"
        )
    aiokafka.consumer.fetcher.MemoryRecords = Batches


class Batches:
    """The batches of one fetched partition; aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._end = self._find_end()

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        """Return whether `next_batch` returns a batch, or explains why the first is none.

        A fetch may end within a batch, which is then the first of the next fetch.
        """
        return self._end is not None or (self._at == 0 and len(self._data) > 0)

    def next_batch(self) -> "Batch | LegacyBatch":
        """Return the next batch. Raises UnreadableError if even its header is unusable."""
        start, end = self._at, self._end
        if end is None:
            raise UnreadableError("the batch is cut off")
        self._at = end
        self._end = self._find_end()
        data = self._data[start:end]
        magic = data[_MAGIC_AT]
        if magic < 2:
            return LegacyBatch(data)
        if magic > 2:
            raise UnreadableError(f"unknown format version {magic}")
        if len(data) < _HEADER_BYTES:
            raise UnreadableError("the header is cut off")
        return Batch(data)

    def _find_end(self) -> int | None:
        """Return where the next batch ends, or None if it does not end in this fetch."""
        if len(self._data) - self._at < _LENGTH_END:
            return None
        (length,) = _LENGTH.unpack_from(self._data, self._at + _LENGTH_AT)
        end: int = self._at + _LENGTH_END + length
        return end if length >= _MIN_LENGTH and end <= len(self._data) else None


class Batch:
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
        """Bytes, decompressed once `records` has returned."""

    def validate_crc(self) -> bool:
        """Return true, or raise UnreadableError."""
        if self.next_offset <= self.base_offset:
            raise UnreadableError("the batch ends before it begins")
        if not self._batch.validate_crc():
            raise UnreadableError("wrong checksum", self.next_offset)
        return True

    def records(self) -> Iterable[Any]:
        """Return the records, decompressed but not parsed. Raises UnreadableError.

        Iteration raises what the parser does; `explain` translates that.
        """
        codec = self._batch.attributes & _CODEC_MASK
        records: Iterable[Any] = self._batch
        if codec:
            plain = bytearray(self._data[:_HEADER_BYTES])
            plain[_CODEC_AT] &= ~_CODEC_MASK
            try:
                decompress(codec, bytes(self._data[_HEADER_BYTES:]), plain)
            except UnreadableError as error:
                raise self.explain(error) from error
            _LENGTH.pack_into(plain, _LENGTH_AT, len(plain) - _LENGTH_END)
            self.size = len(plain)
            records = DefaultRecordBatch(plain)
        return records

    def explain(self, error: Exception) -> UnreadableError:
        """Return the error that says why the batch cannot be read."""
        return UnreadableError(describe(error), self.next_offset)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self.records()
        except Exception as error:
            raise self.explain(error) from error

    def __next__(self) -> Any:
        """Return the record of a control batch."""
        try:
            marker = next(iter(self.records()))
            if len(marker.key) < _MARKER_BYTES:
                raise ValueError("its key is too short")
        except Exception as error:
            raise self.explain(error) from error
        return marker
