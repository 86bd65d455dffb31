"""Record batches as bytes: what the batch classes for kafka-python and aiokafka share."""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kafka.record.util import decode_varint, encode_varint

from mostread.infra.kafka.decompression import UnreadableError, decompress, describe

_INT = struct.Struct(">i")
_LENGTH_AT, _LENGTH_END, _MAGIC_AT, _CODEC_AT, _COUNT_AT, _HEADER_BYTES = 8, 12, 16, 22, 57, 61
_MIN_LENGTH = 14
_CODEC_MASK = 0x07


class BatchSplitter:
    """Splits the fetched bytes of a partition into batches.

    A fetch may end within a batch, but never within its first one.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._end = self._find_end()

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        """Return whether `next` returns a batch, or says why the first is none."""
        return self._end is not None or (self._at == 0 and len(self._data) > 0)

    def next(self) -> tuple[int, memoryview]:
        """Return the format version and the bytes of the next batch.

        Raises UnreadableError if even its header is unusable.
        """
        start, end = self._at, self._end
        if end is None:
            raise UnreadableError("the batch is cut off")
        self._at = end
        self._end = self._find_end()
        data = self._data[start:end]
        magic = data[_MAGIC_AT]
        if magic > 2:
            raise UnreadableError(f"unknown format version {magic}")
        if magic == 2 and len(data) < _HEADER_BYTES:
            raise UnreadableError("the header is cut off")
        return magic, data

    def _find_end(self) -> int | None:
        """Return where the next batch ends, or None if it does not end in this fetch."""
        if len(self._data) - self._at < _LENGTH_END:
            return None
        (length,) = _INT.unpack_from(self._data, self._at + _LENGTH_AT)
        end: int = self._at + _LENGTH_END + length
        return end if length >= _MIN_LENGTH and end <= len(self._data) else None


class PartialBatch:
    """Iteration and errors of a batch whose records are read up to the first broken one."""

    __slots__ = ()
    next_offset: int

    def read_into(self, records: list[Any]) -> None:
        """Append the records, before an error those that precede it."""
        raise NotImplementedError

    def explain(self, error: Exception) -> UnreadableError:
        """Return the error that says why the batch cannot be read."""
        return UnreadableError(describe(error), self.next_offset)

    def __iter__(self) -> Iterator[Any]:
        records: list[Any] = []
        failure = None
        try:
            self.read_into(records)
        except Exception as error:
            failure = self.explain(error)
        yield from records
        if failure is not None:
            raise failure


def read_records(
    batch: memoryview,
    offsets: range,
    records: list[Any],
    parse: Callable[[memoryview | bytearray], Iterable[Any]],
    broken_header: type[Exception],
) -> int:
    """Append the records of a batch of version 2; return its decompressed bytes.

    `parse` is that of a library, which raises `broken_header` for a header that it rejects.
    Before an error, appends the records that precede it.
    """
    plain = decompressed(batch)
    start = len(records)
    try:
        records.extend(parse(plain))
    except broken_header:
        del records[start:]
        records.extend(parse(without_headers(plain)))
    finally:
        check_offsets(plain, offsets, records, start)
    return len(plain)


def decompressed(batch: memoryview) -> memoryview | bytearray:
    """Return a batch of version 2 with its records decompressed. Raises UnreadableError."""
    codec = batch[_CODEC_AT] & _CODEC_MASK
    if not codec:
        return batch
    plain = bytearray(batch[:_HEADER_BYTES])
    plain[_CODEC_AT] &= ~_CODEC_MASK
    decompress(codec, bytes(batch[_HEADER_BYTES:]), plain)
    _INT.pack_into(plain, _LENGTH_AT, len(plain) - _LENGTH_END)
    return plain


def without_headers(batch: memoryview | bytearray) -> bytearray:
    """Return a decompressed batch without the headers of its records, which nobody reads.

    Both libraries reject a header whose name is not UTF-8, and brokers do not. Raises ValueError
    for a broken record.
    """
    data = bytes(batch)
    plain = bytearray(data[:_HEADER_BYTES])
    at = _HEADER_BYTES
    for _ in range(_INT.unpack_from(data, _COUNT_AT)[0]):
        try:
            start, value_end, at = _find_record(data, at)
        except IndexError:
            raise ValueError("a record is cut off") from None
        if not start < value_end <= at <= len(data):
            raise ValueError("a record ends beyond its length")
        encode_varint(value_end - start + 1, plain.append)
        plain += data[start:value_end]
        plain.append(0)
    _INT.pack_into(plain, _LENGTH_AT, len(plain) - _LENGTH_END)
    return plain


def _find_record(data: bytes, at: int) -> tuple[int, int, int]:
    """Return where a record starts, where its value ends, and where the record ends."""
    length, start = decode_varint(data, at)
    _, position = decode_varint(data, start + 1)  # timestamp, after a byte of attributes
    _, position = decode_varint(data, position)  # offset
    for _ in ("key", "value"):
        size, position = decode_varint(data, position)
        position += max(size, 0)
    return start, position, start + length


def check_offsets(
    batch: memoryview | bytearray, expected: range, records: list[Any], start: int = 0
) -> None:
    """Check the offsets of a batch's records, which begin at index `start` of `records`.

    Offsets ascend within `expected`, and leave room for the records to come, so that no reader
    passes the batch before the error. From the first impossible one on, drops the records and
    raises UnreadableError. Brokers do not check uncompressed batches, and a record that claims an
    offset beyond its batch would move readers over the batches to come.
    """
    offsets = [record.offset for record in records[start:]]
    if len(offsets) == len(expected) and offsets == list(expected):
        return
    lowest, highest = expected.start, expected.stop - _INT.unpack_from(batch, _COUNT_AT)[0]
    for index, offset in enumerate(offsets, start):
        if not lowest <= offset <= highest:
            del records[index:]
            raise UnreadableError(f"a record claims offset {offset}, out of order in its batch")
        lowest, highest = offset + 1, highest + 1
