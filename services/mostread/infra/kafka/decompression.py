"""Decompression of Kafka's codecs that stops at a limit instead of filling the memory."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import cramjam
import lz4.frame
import zstandard

MAX_BATCH_BYTES = 64 << 20
"""Decompressed bytes of a batch; a larger one is unreadable."""

_PIECE_BYTES = 1 << 20
_MAX_FRAMES = 1000
_XERIAL_MAGIC, _XERIAL_HEADER_BYTES = b"\x82SNAPPY\0", 16


class UnreadableError(Exception):
    """A batch cannot be read; `next_offset` is the one after it, None if that is unknown."""

    def __init__(self, reason: str, next_offset: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.next_offset = next_offset


def decompress(codec: int, payload: bytes, into: bytearray) -> None:
    """Append the decompressed `payload` to `into`.

    `codec` is Kafka's number, from 1 (gzip) to 4 (zstd). Raises UnreadableError before more
    than the limit and one piece of a mebibyte is decompressed.
    """
    if codec not in _CODECS:
        raise UnreadableError(f"unknown codec {codec}")
    name, pieces = _CODECS[codec]
    limit = len(into) + MAX_BATCH_BYTES
    try:
        for piece in pieces(payload):
            into += piece
            if len(into) > limit:
                raise _too_large()
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(f"broken {name} data: {error}") from error


def describe(error: Exception) -> str:
    """Return what is wrong with a batch, from the error of whatever tried to read it."""
    return error.reason if isinstance(error, UnreadableError) else f"not parsable: {error!r}"


def _too_large() -> UnreadableError:
    return UnreadableError(f"decompresses to more than {MAX_BATCH_BYTES >> 20} MiB")


def _too_many_frames() -> UnreadableError:
    # The libraries copy what follows each frame: the time would grow with the square of these.
    return UnreadableError(f"{_MAX_FRAMES} compressed frames or more")


def _gzip(data: bytes) -> Iterator[bytes]:
    for _ in range(_MAX_FRAMES):
        if not data:
            return
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            piece = member.decompress(data, _PIECE_BYTES)
            if not piece and not member.eof:
                raise EOFError("it ends early")
            yield piece
            data = member.unconsumed_tail
        data = member.unused_data
    raise _too_many_frames()


def _snappy(data: bytes) -> Iterator[bytes]:
    if not data.startswith(_XERIAL_MAGIC):
        yield _snappy_block(data)
        return
    start = _XERIAL_HEADER_BYTES
    while start < len(data):
        (size,) = struct.unpack_from(">I", data, start)
        start += 4
        yield _snappy_block(data[start : start + size])
        start += size


def _snappy_block(block: bytes) -> bytes:
    # The decoder allocates the length that the block declares, as a varint.
    length = sum((byte & 0x7F) << 7 * index for index, byte in enumerate(_varint(block)))
    if length > MAX_BATCH_BYTES:
        raise _too_large()
    return bytes(cramjam.snappy.decompress_raw(block))


def _varint(data: bytes) -> bytes:
    end = next((index for index, byte in enumerate(data[:5]) if byte < 0x80), 4)
    return data[: end + 1]


def _lz4(data: bytes) -> Iterator[bytes]:
    for _ in range(_MAX_FRAMES):
        if not data:
            return
        frame = lz4.frame.LZ4FrameDecompressor()
        while not frame.eof:
            piece = frame.decompress(data, max_length=_PIECE_BYTES)
            if not piece and not frame.eof:
                raise EOFError("it ends early")
            yield piece
            data = b""
        data = frame.unused_data or b""
    raise _too_many_frames()


def _zstd(data: bytes) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_BATCH_BYTES)
    with decompressor.stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
        yield from iter(lambda: reader.read(_PIECE_BYTES), b"")


_CODECS: dict[int, tuple[str, Callable[[bytes], Iterator[bytes]]]] = {
    1: ("gzip", _gzip),
    2: ("snappy", _snappy),
    3: ("lz4", _lz4),
    4: ("zstd", _zstd),
}
