"""gzip: negotiation, and streams in which clients share compressed chunks."""

import gzip
import random
import zlib

import pytest

from mostread.infra.http.compression import (
    GzipStream,
    PlainStream,
    StreamChunk,
    accepts_gzip,
    compress,
    stream_for,
)


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP; q=0.5", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *;q=1", False),
        ("*;q=0", False),
        ("xgzip, gzipped", False),
    ],
)
def test_gzip_is_accepted_by_name_or_wildcard_unless_quality_is_zero(
    accept_encoding: str, accepted: bool
) -> None:
    assert accepts_gzip(accept_encoding) is accepted
    assert isinstance(stream_for(accept_encoding), GzipStream) is accepted


def test_equal_bodies_compress_to_equal_bytes() -> None:
    body = b"most read " * 100
    assert gzip.decompress(compress(body)) == body
    assert compress(body) == compress(bytes(bytearray(body)))


def test_client_decodes_each_chunk_as_soon_as_it_arrives() -> None:
    stream, client = GzipStream(), zlib.decompressobj(wbits=31)
    previous = b""
    for number in range(20):
        chunk = StreamChunk(b"event: list %d\n" % number * 50, after=previous)
        assert client.decompress(stream.send(chunk)) == chunk.data
        previous = chunk.data
    # The client checks length and checksum.
    assert client.decompress(stream.end()) == b""
    assert client.eof


def test_chunk_after_another_one_is_smaller() -> None:
    text = random.Random(7).randbytes(10_000).hex().encode()
    first = StreamChunk(text[:20_000])
    second = StreamChunk(b"changed" + text[:20_000], after=first.data)
    assert len(second.continued) < len(second.block) / 20


def test_clients_with_different_histories_decode_shared_chunks() -> None:
    numbers = random.Random(7)
    chunks = [StreamChunk(b"")]
    for _ in range(40):
        data = (
            chunks[-1].data[: numbers.randrange(60_000)] + numbers.randbytes(2_000).hex().encode()
        )
        chunks.append(StreamChunk(data, after=chunks[-1].data))
    for _ in range(30):
        received = sorted(numbers.sample(range(len(chunks)), numbers.randrange(1, len(chunks))))
        stream = GzipStream()
        sent = b"".join(stream.send(chunks[at]) for at in received) + stream.end()
        assert gzip.decompress(sent) == b"".join(chunks[at].data for at in received)


def test_stream_without_chunks_is_valid_gzip() -> None:
    assert gzip.decompress(GzipStream().end()) == b""


def test_plain_stream_sends_data_unchanged() -> None:
    assert PlainStream().send(StreamChunk(b"data: 1\n\n")) + PlainStream().end() == b"data: 1\n\n"
