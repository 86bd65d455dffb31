"""Batches are those of aiokafka, or say why they cannot be read and where the next begins."""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.codec import gzip_encode
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from mostread.aggregator.stream.batches import Batch, Batches
from mostread.infra.kafka.decompression import UnreadableError
from mostread.infra.kafka.legacy_batch import LegacyBatch
from tests.support.segments import (
    change_codec,
    change_magic,
    fill_payload,
    flip_payload,
    sign,
)

GZIP = 1
LEGACY_ATTRIBUTES = 17
HEADER_BYTES = 61


def batch(first: int, count: int, codec: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, False, -1, -1, -1, 1 << 20)
    for number in range(count):
        builder.append(number, 1000 + number, b"key", f"{first + number}".encode(), [("h", b"v")])
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, first)
    return bytes(data)


def legacy(first: int, count: int, magic: int, codec: int = 0) -> bytes:
    """Return records of an old format; those of a compressed set have relative offsets."""
    builder = LegacyRecordBatchBuilder(magic, codec, 1 << 20)
    for number in range(count):
        offset = number if codec and magic else first + number
        builder.append(offset, 1000 + number, b"key", f"{first + number}".encode())
    data = bytearray(builder.build())
    if codec:
        struct.pack_into(">q", data, 0, first + count - 1)
    return bytes(data)


def read(records: Any) -> list[tuple[int, int | None, bytes | None, bytes | None]]:
    """Return all records, as aiokafka's fetcher reads them."""
    result = []
    while records.has_next():
        each = records.next_batch()
        assert each.validate_crc()
        result += [(r.offset, r.timestamp, r.key, r.value) for r in each]
    return result


@pytest.mark.parametrize(
    "data",
    [
        batch(7, 3),
        batch(7, 3) + batch(10, 2),
        batch(7, 1, GZIP) + batch(9, 2)[:-3],
        legacy(7, 3, 1),
        legacy(7, 3, 1, GZIP),
        legacy(7, 3, 0, GZIP),
    ],
    ids=["one", "two", "cut off", "version 1", "version 1, gzip", "version 0, gzip"],
)
def test_records_are_those_of_aiokafka(data: bytes) -> None:
    expected = [
        (offset, -1 if time is None else time, key, value)
        for offset, time, key, value in read(MemoryRecords(data))
    ]
    assert expected
    assert read(Batches(data)) == expected


def test_format_version_is_that_of_each_batch() -> None:
    offsets = [record[0] for record in read(Batches(legacy(0, 2, 1) + batch(2, 2)))]
    assert offsets == [0, 1, 2, 3]


def break_header_name(batch: bytearray) -> None:
    """Give the last record's header a name that is not UTF-8; ends in name, length, value."""
    batch[-3] = 0xFF
    sign(batch)


@pytest.mark.parametrize(
    ("change", "reason", "next_offset"),
    [
        (flip_payload, "wrong checksum", 10),
        (change_codec(5), "unknown codec 5", 10),
        (fill_payload, "not parsable", 10),
        (change_magic(3), "unknown format version 3", None),
        (change_magic(200), "unknown format version 200", None),
        (change_magic(0), "wrong checksum", None),
        (change_magic(1), "wrong checksum", None),
    ],
)
def test_broken_batch_is_unreadable(
    change: Callable[[bytearray], None], reason: str, next_offset: int | None
) -> None:
    data = bytearray(batch(7, 3))
    change(data)
    with pytest.raises(UnreadableError, match=reason) as raised:
        read(Batches(bytes(data)))
    assert raised.value.next_offset == next_offset


@pytest.mark.parametrize("codec", [0, GZIP])
def test_header_with_a_name_that_is_not_utf8_costs_no_record(codec: int) -> None:
    data = bytearray(batch(7, 200))
    break_header_name(data)
    if codec:
        payload = gzip_encode(bytes(data[HEADER_BYTES:]))
        data[HEADER_BYTES:] = payload
        struct.pack_into(">i", data, 8, len(data) - 12)
        change_codec(codec)(data)
    assert read(Batches(bytes(data))) == read(MemoryRecords(batch(7, 200)))


@pytest.mark.parametrize("length", [-100, -12, 0, 13, 1 << 30])
def test_first_batch_with_impossible_length_is_unreadable(length: int) -> None:
    data = bytearray(batch(7, 3))
    struct.pack_into(">i", data, 8, length)
    with pytest.raises(UnreadableError, match="cut off"):
        read(Batches(bytes(data)))
    assert len(read(Batches(batch(4, 3) + bytes(data)))) == 3


@pytest.mark.parametrize("length", [-12, 0, 1 << 30])
def test_legacy_set_with_impossible_length_inside_is_unreadable(length: int) -> None:
    inner = bytearray(legacy(0, 2, 1))
    struct.pack_into(">i", inner, 8, length)
    builder = LegacyRecordBatchBuilder(1, 0, 1 << 20)
    builder.append(5, 1000, None, gzip_encode(inner))
    outer = bytearray(builder.build())
    outer[LEGACY_ATTRIBUTES] = GZIP
    with pytest.raises(UnreadableError, match="a record of") as raised:
        LegacyBatch(memoryview(outer)).read_into([])
    assert raised.value.next_offset == 6


@given(st.integers(0, 2), st.binary(min_size=1, max_size=300), st.booleans())
def test_random_bytes_are_read_or_unreadable(magic: int, noise: bytes, framed: bool) -> None:
    data = bytearray(batch(7, 3) if magic == 2 else legacy(7, 3, magic))
    if framed:
        data = data[:12] + noise.ljust(50, b"\0")
        struct.pack_into(">i", data, 8, len(data) - 12)
        data[16] = magic
    else:
        data[12 : 12 + len(noise)] = noise[: len(data) - 12]
    records = Batches(bytes(data))
    while records.has_next():
        try:
            for record in records.next_batch():
                assert isinstance(record.offset, int)
        except UnreadableError:
            break


def test_size_is_that_of_decompressed_records() -> None:
    each = Batches(batch(0, 1000, GZIP)).next_batch()
    assert isinstance(each, Batch)
    before = each.size
    list(each)
    assert each.size > 3 * before
