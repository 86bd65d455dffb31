"""Every codec is decompressed up to the limit, and nothing of more is kept in memory."""

import gzip
import re
import struct
import tracemalloc

import cramjam
import lz4.frame
import pytest
import zstandard
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode

from mostread.infra.kafka.decompression import (
    MAX_BATCH_BYTES,
    UnreadableError,
    decompress,
)

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
TEXT = bytes(range(256)) * 20_000


def unpacked(codec: int, payload: bytes) -> bytes:
    into = bytearray(b"head")
    decompress(codec, payload, into)
    return bytes(into.removeprefix(b"head"))


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        (GZIP, gzip_encode(TEXT)),
        (GZIP, gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])),
        (SNAPPY, snappy_encode(TEXT)),
        (SNAPPY, bytes(cramjam.snappy.compress_raw(TEXT))),
        (LZ4, lz4_encode(TEXT)),
        (LZ4, lz4.frame.compress(TEXT[:9]) + lz4.frame.compress(TEXT[9:])),
        (ZSTD, zstd_encode(TEXT)),
        (ZSTD, zstandard.compress(TEXT[:9]) + zstandard.compress(TEXT[9:])),
    ],
    ids=["gzip", "gzip twice", "xerial", "snappy", "lz4", "lz4 twice", "zstd", "zstd twice"],
)
def test_payload_is_decompressed(codec: int, payload: bytes) -> None:
    assert unpacked(codec, payload) == TEXT


def bombs() -> dict[str, tuple[int, bytes]]:
    """Return payloads that decompress to a byte more than the limit."""
    zeros = bytes(MAX_BATCH_BYTES + 1)
    return {
        "gzip": (GZIP, gzip_encode(zeros)),
        "xerial": (SNAPPY, snappy_encode(zeros)),
        "snappy": (SNAPPY, bytes(cramjam.snappy.compress_raw(zeros))),
        "lz4": (LZ4, lz4_encode(zeros)),
        "zstd": (ZSTD, zstd_encode(zeros)),
    }


def test_payload_beyond_limit_is_unreadable() -> None:
    for name, (codec, payload) in bombs().items():
        tracemalloc.start()
        with pytest.raises(UnreadableError, match="more than 64 MiB"):
            unpacked(codec, payload)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # A growing buffer is a quarter larger than what it holds.
        assert peak < 1.5 * MAX_BATCH_BYTES, name


@pytest.mark.parametrize("declared", [b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\x7f"])
def test_snappy_length_is_not_believed(declared: bytes) -> None:
    with pytest.raises(UnreadableError, match="more than 64 MiB"):
        unpacked(SNAPPY, declared + b"\x00a")


def test_zstd_window_beyond_limit_is_unreadable() -> None:
    # A frame of one empty block, whose window is 128 MiB.
    frame = struct.pack("<IBB", 0xFD2FB528, 0, 17 << 3) + b"\x01\x00\x00"
    with pytest.raises(UnreadableError, match="broken zstd data"):
        unpacked(ZSTD, frame)


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
@pytest.mark.parametrize("payload", [b"\xa5" * 50, b"\x82SNAPPY\0" + b"\xff" * 30])
def test_broken_payload_is_unreadable(codec: int, payload: bytes) -> None:
    with pytest.raises(UnreadableError, match=re.compile("broken .* data|more than 64 MiB")):
        unpacked(codec, payload)


@pytest.mark.parametrize(
    ("codec", "payload"), [(GZIP, gzip_encode(TEXT)), (LZ4, lz4_encode(TEXT))], ids=["gzip", "lz4"]
)
def test_payload_that_ends_early_is_unreadable(codec: int, payload: bytes) -> None:
    with pytest.raises(UnreadableError, match="it ends early"):
        unpacked(codec, payload[:-9])


@pytest.mark.parametrize(
    ("codec", "empty"), [(GZIP, gzip.compress(b"")), (LZ4, lz4_encode(b""))], ids=["gzip", "lz4"]
)
def test_number_of_frames_is_bounded(codec: int, empty: bytes) -> None:
    assert unpacked(codec, empty * 999) == b""
    with pytest.raises(UnreadableError, match="1000 compressed frames"):
        unpacked(codec, empty * 1000)


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_unknown_codec_is_unreadable(codec: int) -> None:
    with pytest.raises(UnreadableError, match=f"unknown codec {codec}"):
        unpacked(codec, b"")
