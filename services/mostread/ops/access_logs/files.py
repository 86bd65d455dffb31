"""Lines of access log files and standard input, gzipped or not."""

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from mostread.errors import InvalidFile

STDIN = "-"
_LINES_PER_PROGRESS_UPDATE = 5000
_MAX_LINE = 65_536
_UTF8_MARK = b"\xef\xbb\xbf"
_INVISIBLE = (0, _UTF8_MARK[0])
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_GZIP_MAGIC = b"\x1f\x8b"
_OTHER_FORMATS = {
    b"BZh": "bzcat",
    b"\xfd7z": "xzcat",
    b"\x28\xb5\x2f": "zstdcat",
    b"PK\x03": "unzip -p",
}
"""First bytes of compressed files that are not gzip, with the command that unpacks them."""


def total_size(files: Sequence[str]) -> int | None:
    """Return the total size in bytes, or None if one of the files is a pipe."""
    try:
        sizes = [
            os.fstat(click.get_binary_stream("stdin").fileno()).st_size
            if name == STDIN
            else Path(name).stat().st_size
            for name in files
        ]
    except OSError:
        return None
    return sum(sizes) if all(sizes) else None


def read_lines(name: str, advance: Callable[[int], None]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file with their numbers; call `advance` with the bytes read since.

    Bytes that are not UTF-8 become surrogates. A line is cut after 64 KiB. Raises InvalidFile where
    the file cannot be read.
    """
    reported = 0
    try:
        with _open(name) as raw:
            for number, line in enumerate(_split_lines(_decompress(raw, name)), 1):
                if number % _LINES_PER_PROGRESS_UPDATE == 0 and raw.seekable():
                    offset = raw.tell()
                    advance(offset - reported)
                    reported = offset
                yield number, line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if raw.seekable():
                advance(raw.tell() - reported)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidFile(f"{name} is not a complete gzip file: {error}") from error
    except OSError as error:
        raise InvalidFile(f"{name} cannot be read: {error.strerror}") from error


def _split_lines(source: io.BufferedReader | gzip.GzipFile) -> Iterator[bytes]:
    """Yield lines without byte order marks and without the NULs that `copytruncate` leaves."""
    begun = b""
    while piece := source.readline(_MAX_LINE):
        if begun or piece[0] in _INVISIBLE:
            piece = (begun + piece).lstrip(b"\0").removeprefix(_UTF8_MARK)
        if piece.endswith(b"\n"):
            begun = b""
            yield piece[:_MAX_LINE]
        else:
            begun = piece[:_MAX_LINE]
    if begun:
        yield begun


def _open(name: str) -> io.BufferedReader:
    """Open a file, or a duplicate of stdin, so that closing it leaves stdin open."""
    if name != STDIN:
        return Path(name).open("rb")
    return os.fdopen(os.dup(click.get_binary_stream("stdin").fileno()), "rb")


def _decompress(raw: io.BufferedReader, name: str) -> io.BufferedReader | gzip.GzipFile:
    magic = raw.peek(3)[:3]
    if magic.startswith(_GZIP_MAGIC):
        return gzip.open(raw)
    if magic.startswith(_UTF16_MARKS):
        raise InvalidFile(
            f"{name} is in UTF-16; run iconv -f UTF-16 -t UTF-8 {name} | mostread import-logs - ..."
        )
    if magic in _OTHER_FORMATS:
        raise InvalidFile(
            f"{name} is not gzip or plain text; run "
            f"{_OTHER_FORMATS[magic]} {name} | mostread import-logs - ..."
        )
    return raw
