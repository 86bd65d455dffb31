"""Batches of kafka-python: read within a bound, or explained with the offset after them."""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from crc32c import crc32c
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.record import MemoryRecords, MemoryRecordsBuilder

from mostread.infra.kafka.batches import BoundedBatch, BoundedBatches
from mostread.infra.kafka.decompression import MAX_BATCH_BYTES, UnreadableError

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
MAGIC_AT, CHECKSUM_AT, ATTRIBUTES_AT, COUNT_AT, HEADER_BYTES = 16, 17, 21, 57, 61


def batch(*values: bytes, codec: int = 0, magic: int = 2) -> bytearray:
    """Return a batch as Kafka stores it, from offset 0 on."""
    builder = MemoryRecordsBuilder(magic=magic, compression_type=codec, batch_size=1 << 30)
    for value in values:
        builder.append(timestamp=1_000, key=b"k", value=value)
    builder.close()
    data = bytearray(builder.buffer())
    if codec and magic < 2:  # a broker writes the offset of the last record
        struct.pack_into(">q", data, 0, len(values) - 1)
    return data


def with_checksum(data: bytearray) -> bytes:
    struct.pack_into(">I", data, CHECKSUM_AT, crc32c(bytes(data[ATTRIBUTES_AT:])))
    return bytes(data)


def values(data: bytes) -> list[bytes]:
    batches, read = BoundedBatches(data), []
    while (each := batches.next_batch()) is not None:
        assert each.validate_crc()
        read += [record.value for record in each]
    return read


def fetched(reader: type[MemoryRecords], data: bytes) -> list[tuple[Any, ...]]:
    """Return the records as kafka-python's consumer reads them."""
    fetch = Fetcher.PartitionRecords(0, TopicPartition("events", 0), reader(data))
    return [
        (
            record.offset,
            -1 if record.timestamp is None else record.timestamp,
            record.key,
            record.value,
        )
        for record in fetch.record_iterator
    ]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_batches_of_every_codec_are_read_up_to_the_end_of_the_fetch(codec: int) -> None:
    first = batch(b"a" * 500, b"b" * 500, codec=codec)
    second = batch(b"c" * 500, codec=codec)
    assert values(bytes(first + second)) == [b"a" * 500, b"b" * 500, b"c" * 500]
    assert values(bytes(first + second[:-1])) == [b"a" * 500, b"b" * 500]
    assert values(b"") == []


@pytest.mark.parametrize(("magic", "codec"), [(2, 1), (2, 2), (2, 3), (2, 4), (1, 3), (0, 1)])
def test_batch_that_decompresses_beyond_the_limit_is_unreadable(magic: int, codec: int) -> None:
    large = bytes(batch(b"x" * MAX_BATCH_BYTES, codec=codec, magic=magic))
    with pytest.raises(UnreadableError, match="decompresses to more than 64 MiB") as raised:
        values(large)
    assert raised.value.next_offset == 1


@pytest.mark.parametrize(
    ("magic", "codec"), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3)]
)
def test_records_of_old_formats_are_those_of_kafka_python(magic: int, codec: int) -> None:
    data = bytes(batch(b"a", b"b", codec=codec, magic=magic) + batch(b"c"))
    assert fetched(BoundedBatches, data) == fetched(MemoryRecords, data)
    assert [record[-1] for record in fetched(BoundedBatches, data)] == [b"a", b"b", b"c"]


def flip_last(data: bytearray) -> bytes:
    data[-1] ^= 1
    return bytes(data)


def set_magic(data: bytearray) -> bytes:
    data[MAGIC_AT] = 3
    return bytes(data)


def set_unknown_codec(data: bytearray) -> bytes:
    data[ATTRIBUTES_AT + 1] = 5
    return with_checksum(data)


def break_compressed(data: bytearray) -> bytes:
    data[ATTRIBUTES_AT + 1] = CODECS["zstd"]
    return with_checksum(data)


def count_more_records(data: bytearray) -> bytes:
    struct.pack_into(">i", data, COUNT_AT, 2**31 - 1)
    return with_checksum(data)


@pytest.mark.parametrize(
    ("break_it", "reason", "next_offset"),
    [
        (flip_last, "wrong checksum", 2),
        (set_unknown_codec, "unknown codec 5", 2),
        (break_compressed, "broken zstd data", 2),
        (count_more_records, "not parsable: ValueError\\('a record is cut off", 2),
        (set_magic, "unknown format version 3", None),
        (lambda data: bytes(data[:-1]), "the batch is cut off", None),
        (lambda data: bytes(data[:20]), "the batch is cut off", None),
    ],
)
def test_broken_batch_raises_the_reason_and_the_offset_after_it(
    break_it: Callable[[bytearray], bytes], reason: str, next_offset: int | None
) -> None:
    with pytest.raises(UnreadableError, match=reason) as raised:
        values(break_it(batch(b"a", b"b")))
    assert raised.value.next_offset == next_offset


def test_header_with_a_name_that_is_not_utf8_costs_no_record() -> None:
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 20)
    for value in (b"a", b"b"):
        builder.append(timestamp=1_000, key=None, value=value, headers=[("h", b"v")])
    builder.close()
    data = bytearray(builder.buffer())
    data[-3] = 0xFF  # the last header ends in name, length, value
    assert values(with_checksum(data)) == [b"a", b"b"]


def test_control_batch_without_its_record_is_passed() -> None:
    data = batch(b"a")
    struct.pack_into(">i", data, COUNT_AT, 0)
    empty = BoundedBatch(bytes(data[:HEADER_BYTES]))
    assert next(empty) is None
