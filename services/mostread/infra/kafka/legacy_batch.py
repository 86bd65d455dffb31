"""Record batches of the format versions 0 and 1, which producers wrote before Kafka 0.11."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from mostread.infra.kafka.decompression import UnreadableError, decompress
from mostread.infra.kafka.record_batches import PartialBatch

_FRAME = struct.Struct(">qi")
_HEAD = struct.Struct(">IbB")
_TIMESTAMP = struct.Struct(">q")
_SIZE = struct.Struct(">i")
_MAGIC_AT = _FRAME.size + _SIZE.size
_MIN_LENGTH = 14
_CODEC_MASK, _LOG_APPEND_TIME = 0x07, 0x08
_LZ4 = 3


class LegacyRecord(NamedTuple):
    """A record. `timestamp` is in milliseconds, -1 in version 0."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    attributes: int
    timestamp_type: int = 0
    headers: tuple[()] = ()
    checksum: None = None

    def validate_crc(self) -> bool:
        """Return true: the checksum of the batch covers its records."""
        return True

    @property
    def size_in_bytes(self) -> int:
        return len(self.key or b"") + len(self.value or b"")


class LegacyBatch(PartialBatch):
    """One record, or a compressed set of them; the LegacyRecordBatch of both libraries.

    Their own decompress without a limit, and aiokafka's trusts the lengths of the records inside:
    it loops for ever where one is negative.
    """

    is_control_batch = False
    is_transactional = False
    producer_id = None

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.base_offset: int = _FRAME.unpack_from(data)[0]
        self.next_offset = self.base_offset + 1
        self.magic: int = data[_MAGIC_AT]
        self.size = len(data)
        """Bytes, decompressed once the records are read."""

    def validate_crc(self) -> bool:
        """Return true, or raise UnreadableError."""
        at = _FRAME.size
        (checksum,) = _SIZE.unpack_from(self._data, at)
        if zlib.crc32(self._data[at + _SIZE.size :]) != checksum & 0xFFFFFFFF:
            raise UnreadableError("wrong checksum")
        return True

    def read_into(self, taken: list[Any]) -> None:
        """Append the records to `taken`. Raises UnreadableError."""
        try:
            taken.extend(self._read())
        except Exception as error:
            raise self.explain(error) from error

    def _read(self) -> list[LegacyRecord]:
        (outer,) = _messages(self._data)
        codec = outer.attributes & _CODEC_MASK
        if not codec:
            return [outer]
        if codec > _LZ4 or (codec, self.magic) == (_LZ4, 0):
            raise UnreadableError(f"codec {codec} does not exist in format version {self.magic}")
        plain = bytearray()
        decompress(codec, outer.value or b"", plain)
        self.size = len(plain)
        inner = list(_messages(memoryview(plain)))
        if any(record.attributes & _CODEC_MASK for record in inner):
            raise UnreadableError("compressed twice")
        # Version 1 has relative offsets inside, and the offset of the last record outside.
        shift = outer.offset - inner[-1].offset if self.magic else 0
        has_log_time = outer.attributes & _LOG_APPEND_TIME
        return [
            record._replace(
                offset=record.offset + shift,
                timestamp=outer.timestamp if has_log_time else record.timestamp,
            )
            for record in inner
        ]


def _messages(data: memoryview) -> Iterator[LegacyRecord]:
    at = 0
    while at < len(data):
        offset, length = _FRAME.unpack_from(data, at)
        at += _FRAME.size
        end = at + length
        if length < _MIN_LENGTH or end > len(data):
            raise UnreadableError(f"a record of {length} bytes")
        _, magic, attributes = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        timestamp = -1
        if magic:
            (timestamp,) = _TIMESTAMP.unpack_from(data, at)
            at += _TIMESTAMP.size
        key, at = _bytes(data, at, end)
        value, at = _bytes(data, at, end)
        if at != end:
            raise UnreadableError(f"{end - at} bytes behind a value")
        yield LegacyRecord(offset, timestamp, key, value, attributes)


def _bytes(data: memoryview, at: int, end: int) -> tuple[bytes | None, int]:
    (size,) = _SIZE.unpack_from(data, at)
    at += _SIZE.size
    if size == -1:
        return None, at
    if size < 0 or at + size > end:
        raise UnreadableError(f"a key or value of {size} bytes")
    return bytes(data[at : at + size]), at + size
