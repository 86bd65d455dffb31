"""Record batches that kafka-python reads within bounds, or that say why they cannot be read.

kafka-python decompresses without a limit, and its errors do not tell where a broken batch ends.
aggregator/stream/batches.py is the same for aiokafka.
"""

import struct
from collections.abc import Iterator
from typing import Any

import kafka.consumer.fetcher
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.legacy_records import LegacyRecordBatch

from mostread.errors import Misconfigured
from mostread.infra.kafka.decompression import UnreadableError, decompress, describe

_LENGTH = struct.Struct(">i")
_LENGTH_AT, _LENGTH_END, _MAGIC_AT, _CODEC_AT, _HEADER_BYTES = 8, 12, 16, 22, 61
_MIN_LENGTH = 14
_CODEC_MASK = 0x07


def install() -> None:
    """Make kafka-python's consumers read BoundedBatches. Raises Misconfigured if they cannot."""
    if not hasattr(kafka.consumer.fetcher, "MemoryRecords"):
        raise Misconfigured(
            "mostread cannot bound what this version of kafka-python decompresses; install the one "
            "that mostread locks"
        )
    kafka.consumer.fetcher.MemoryRecords = BoundedBatches


class BoundedBatches:
    """The batches of one fetched partition; kafka-python's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        return self._end() is not None

    def next_batch(self) -> "BoundedBatch | LegacyRecordBatch | None":
        """Return the next batch, None at the end. Raises UnreadableError."""
        start, end = self._at, self._end()
        if end is None:
            # A fetch may end within a batch, but never within its first one.
            if start == 0 and self._data:
                raise UnreadableError("the batch is cut off")
            return None
        self._at = end
        data = self._data[start:end]
        magic = data[_MAGIC_AT]
        if magic < 2:
            return LegacyRecordBatch(data, magic)
        if magic > 2:
            raise UnreadableError(f"unknown format version {magic}")
        if len(data) < _HEADER_BYTES:
            raise UnreadableError("the header is cut off")
        return BoundedBatch(data)

    def _end(self) -> int | None:
        """Return where the next batch ends, or None if it does not end in this fetch."""
        if len(self._data) - self._at < _LENGTH_END:
            return None
        (length,) = _LENGTH.unpack_from(self._data, self._at + _LENGTH_AT)
        end: int = self._at + _LENGTH_END + length
        return end if length >= _MIN_LENGTH and end <= len(self._data) else None


class BoundedBatch(DefaultRecordBatch):  # type: ignore[misc]
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

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from DefaultRecordBatch(self._decompressed_batch())
        except Exception as error:
            raise UnreadableError(describe(error), self.next_offset) from error

    def __next__(self) -> Any:
        """Return the record of a control batch, None if compaction has removed it."""
        return next(iter(self), None)

    def _decompressed_batch(self) -> bytes | bytearray:
        codec = self.attributes & _CODEC_MASK
        if not codec:
            return self._data
        plain = bytearray(self._data[:_HEADER_BYTES])
        plain[_CODEC_AT] &= ~_CODEC_MASK
        decompress(codec, self._data[_HEADER_BYTES:], plain)
        _LENGTH.pack_into(plain, _LENGTH_AT, len(plain) - _LENGTH_END)
        return plain
