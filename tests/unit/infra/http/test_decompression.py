"""Decompression of request bodies, and its limit."""

import gzip
import tracemalloc
import zlib

import pytest

from mostread.errors import PayloadTooLarge, UnreadableBody
from mostread.infra.http.body import decompress

# zlib's `wbits` of these codings.
GZIP, DEFLATE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("size", [0, 1, 1000, 65_536])
def test_decompress_supports_gzip_zlib_and_raw_deflate(size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    assert decompress(gzip.compress(data), GZIP, size) == data
    assert decompress(zlib.compress(data), DEFLATE, size) == data
    assert decompress(raw_deflate(data), DEFLATE, size) == data


def test_decompress_raises_beyond_the_limit() -> None:
    assert decompress(gzip.compress(bytes(100)), GZIP, 100) == bytes(100)
    with pytest.raises(PayloadTooLarge):
        decompress(gzip.compress(bytes(101)), GZIP, 100)


def test_decompress_bounds_memory_of_a_bomb() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLarge):
            decompress(bomb, GZIP, 1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 << 20


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        gzip.compress(b"a", mtime=0)[:-1],
        gzip.compress(b"a", mtime=0) + b"b",
        gzip.compress(b"a", mtime=0) * 2,
    ],
)
@pytest.mark.parametrize("wbits", [GZIP, DEFLATE])
def test_decompress_raises_unless_body_is_one_complete_stream(body: bytes, wbits: int) -> None:
    with pytest.raises(UnreadableBody):
        decompress(body, wbits, 100)
