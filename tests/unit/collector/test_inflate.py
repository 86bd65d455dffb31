"""Inflating stops where the limit is."""

import gzip
import tracemalloc
import zlib

import pytest

from mostread.collector.api.body import FORMATS, NotInflatable, TooLarge, inflate

GZIP, DEFLATE = FORMATS["gzip"], FORMATS["deflate"]


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("size", [0, 1, 1000, 65_536])
def test_every_format_gives_back_what_was_packed(size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    assert inflate(gzip.compress(data), GZIP, size) == data
    assert inflate(zlib.compress(data), DEFLATE, size) == data
    assert inflate(bare(data), DEFLATE, size) == data


def test_one_byte_too_many_is_too_large() -> None:
    assert inflate(gzip.compress(bytes(100)), GZIP, 100) == bytes(100)
    with pytest.raises(TooLarge):
        inflate(gzip.compress(bytes(101)), GZIP, 100)


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate(bomb, GZIP, 1 << 20)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5 << 20


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
def test_what_is_not_one_whole_stream_does_not_inflate(body: bytes, wbits: int) -> None:
    with pytest.raises(NotInflatable):
        inflate(body, wbits, 100)
