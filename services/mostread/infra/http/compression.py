"""gzip for responses: negotiation, whole bodies, and streams that share compressed chunks.

A chunk of a stream is compressed once, however many clients receive it: raw deflate blocks that
end at a byte boundary may follow each other in any gzip stream (RFC 1951, RFC 1952), as long as
they refer only to themselves, or to what each of these clients received directly before.
"""

import gzip
import zlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import ClassVar

MIN_BYTES = 512
"""Shorter bodies fit into one packet either way."""

_LEVEL = 6
_HEADER = gzip.compress(b"", mtime=0)[:10]
_LAST_BLOCK = b"\x03\x00"


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding permits gzip, by name or by `*` (RFC 9110, 12.5.3)."""
    permitted = {}
    for offer in accept_encoding.lower().replace(" ", "").split(","):
        coding, _, quality = offer.partition(";q=")
        permitted[coding] = not quality or quality.strip("0.") != ""
    return permitted.get("gzip", permitted.get("*", False))


def compress(body: bytes) -> bytes:
    """Compress a whole body; equal bodies have equal results."""
    return gzip.compress(body, compresslevel=_LEVEL, mtime=0)


class StreamChunk:
    """A part of a stream that many clients receive, compressed when the first one needs it.

    `after` is the data of the chunk that most clients received directly before.
    """

    def __init__(self, data: bytes, after: bytes = b"") -> None:
        self.data = data
        self.after = after

    @cached_property
    def block(self) -> bytes:
        """The chunk as deflate blocks that refer only to themselves."""
        return _deflate(self.data, b"")

    @cached_property
    def continued(self) -> bytes:
        """The chunk as deflate blocks that refer to `after` too."""
        return _deflate(self.data, self.after)


class PlainStream:
    """The stream of a client that does not accept gzip."""

    headers: ClassVar[Mapping[str, str]] = {}

    def send(self, chunk: StreamChunk) -> bytes:
        """Return what to send for a chunk."""
        return chunk.data

    def end(self) -> bytes:
        """Return what to send last."""
        return b""


class GzipStream(PlainStream):
    """The gzip stream of one client, which can decode each chunk as soon as it arrives."""

    headers: ClassVar[Mapping[str, str]] = {"Content-Encoding": "gzip"}

    def __init__(self) -> None:
        self._last: bytes | None = None
        self._checksum = 0
        self._length = 0

    def send(self, chunk: StreamChunk) -> bytes:
        """Return what to send for a chunk."""
        start = _HEADER if self._last is None else b""
        # The same object, not an equal one: only then was it the last that this client received.
        block = chunk.continued if self._last is chunk.after else chunk.block
        self._last = chunk.data
        self._checksum = zlib.crc32(chunk.data, self._checksum)
        self._length += len(chunk.data)
        return start + block

    def end(self) -> bytes:
        """Return the trailer of the gzip stream."""
        start = _HEADER if self._last is None else b""
        trailer = self._checksum.to_bytes(4, "little") + (self._length % 2**32).to_bytes(
            4, "little"
        )
        return start + _LAST_BLOCK + trailer


def stream_for(accept_encoding: str) -> PlainStream:
    """Return the stream for a client, by its Accept-Encoding."""
    return GzipStream() if accepts_gzip(accept_encoding) else PlainStream()


def _deflate(data: bytes, after: bytes) -> bytes:
    window = after[-(1 << zlib.MAX_WBITS) :]
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=window)
    # A flush ends at a byte boundary and lets the client decode everything so far.
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
