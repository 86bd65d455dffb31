"""Damage to batches in the files of a stopped broker."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from aiokafka.record.util import calc_crc32c

from mostread.devstack.servers.kafka import LocalKafka

LENGTH, MAGIC, CHECKSUM, ATTRIBUTES, PAYLOAD = 8, 16, 17, 21, 61
"""Where the fields of a batch begin; its codec is in the last three bits of the attributes."""
FRAME_BYTES = 12
GZIP = 1

Change = Callable[[bytearray], None]


def damage(kafka: LocalKafka, topic: str, partition: int, offset: int, change: Change) -> None:
    """Apply `change` to the batch that begins at `offset`; it must keep the length."""
    for file in sorted((kafka.data / "log" / f"{topic}-{partition}").glob("*.log")):
        for position, batch in batches(file):
            if int.from_bytes(batch[:LENGTH], "big") == offset:
                changed = bytearray(batch)
                change(changed)
                assert len(changed) == len(batch)
                assert changed != batch
                with file.open("r+b") as segment:
                    segment.seek(position)
                    segment.write(changed)
                return
    raise AssertionError(f"{topic}/{partition} has no batch at offset {offset}")


def batches(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the position and the bytes of each batch of a segment."""
    data, at = file.read_bytes(), 0
    while at + PAYLOAD <= len(data):
        (length,) = struct.unpack_from(">i", data, at + LENGTH)
        if length <= 0:  # the rest is preallocated
            return
        yield at, data[at : at + FRAME_BYTES + length]
        at += FRAME_BYTES + length


def flip_payload(batch: bytearray) -> None:
    """Change a byte of the records, so that the checksum is wrong."""
    batch[-1] ^= 0xFF


def change_codec(codec: int) -> Change:
    """Return a change of the codec, whose checksum is right."""

    def change(batch: bytearray) -> None:
        batch[ATTRIBUTES + 1] = batch[ATTRIBUTES + 1] & ~0x07 | codec
        sign(batch)

    return change


def change_magic(magic: int) -> Change:
    """Return a change of the format version, which the checksum does not cover."""

    def change(batch: bytearray) -> None:
        batch[MAGIC] = magic

    return change


def fill_payload(batch: bytearray) -> None:
    """Replace compressed records by bytes that do not decompress; the checksum is right."""
    batch[PAYLOAD:] = b"\xa5" * (len(batch) - PAYLOAD)
    sign(batch)


def break_last_record(batch: bytearray) -> None:
    """Make the last of some uncompressed records unparsable; the checksum is right.

    Its last byte is the number of its headers.
    """
    batch[-1] = 0x7E
    sign(batch)


def shorten(batch: bytearray) -> None:
    """Write a length below that of a header, so that the broker itself cannot find the batch."""
    batch[LENGTH : LENGTH + 4] = struct.pack(">i", 5)


def sign(batch: bytearray) -> None:
    """Write the checksum of a batch."""
    batch[CHECKSUM:ATTRIBUTES] = struct.pack(">I", calc_crc32c(bytes(batch[ATTRIBUTES:])))
