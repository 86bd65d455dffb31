"""Batches that no client library would send, over the bare protocol."""

import socket
import struct

from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.legacy_records import LegacyRecordBatchBuilder
from kafka.record.util import calc_crc32c

_PRODUCE, _VERSION = 0, 3
_ALL_REPLICAS = -1
_TIMEOUT_MS = 10_000
_MAGIC_AT = 16


def produce_batch(brokers: str, topic: str, partition: int, batch: bytes) -> int:
    """Send a batch as it is, and return the broker's error code: 0 if it took the batch."""
    host, _, port = brokers.partition(",")[0].rpartition(":")
    name = topic.encode()
    request = struct.pack(">hhih", _PRODUCE, _VERSION, 1, -1)
    request += struct.pack(">hhi", -1, _ALL_REPLICAS, _TIMEOUT_MS)
    request += struct.pack(f">ih{len(name)}s", 1, len(name), name)
    request += struct.pack(">iii", 1, partition, len(batch)) + batch
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        body = answer.read(size)
    # Correlation id, number of topics, the topic, number of partitions, the partition.
    (code,) = struct.unpack_from(">h", body, 4 + 4 + 2 + len(name) + 4 + 4)
    return int(code)


def batch(value: bytes, *, codec: int = 0, magic: int = 2, payload: bytes | None = None) -> bytes:
    """Return a batch of one record that claims `codec` and `magic`, with a checksum that fits.

    `payload` takes the place of the records.
    """
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    builder.append(0, timestamp=1, key=None, value=value, headers=[])
    made = bytearray(builder.build())
    if payload is not None:
        made[DefaultRecordBatch.HEADER_STRUCT.size :] = payload
        struct.pack_into(">i", made, 8, len(made) - 12)
    made[_MAGIC_AT] = magic
    struct.pack_into(">h", made, DefaultRecordBatch.ATTRIBUTES_OFFSET, codec)
    checksum = calc_crc32c(memoryview(made)[DefaultRecordBatch.ATTRIBUTES_OFFSET :])
    struct.pack_into(">I", made, DefaultRecordBatch.CRC_OFFSET, checksum)
    return bytes(made)


def old_batch(value: bytes, magic: int) -> bytes:
    """Return a message set of the format that Kafka had before 0.11."""
    builder = LegacyRecordBatchBuilder(magic=magic, compression_type=0, batch_size=1 << 20)
    builder.append(0, timestamp=1, key=None, value=value)
    return bytes(builder.build())
