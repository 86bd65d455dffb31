"""Lines of access log files and standard input, gzipped or not."""

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from mostread.errors import InvalidFile

STDIN = "-"
_LINES_PER_PROGRESS_UPDATE = 5000
_GZIP_MAGIC = b"\x1f\x8b"
_OTHER_FORMATS = {
    b"BZh": "bzcat",
    b"\xfd7z": "xzcat",
    b"\x28\xb5\x2f": "zstdcat",
    b"PK\x03": "unzip -p",
}
"""First bytes of compressed files that are not gzip, with the command that unpacks them."""


class LineLocation(NamedTuple):
    """File and number of a line."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


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


def read_lines(
    files: Sequence[str], advance: Callable[[int], None]
) -> Iterator[tuple[LineLocation, str]]:
    """Yield the lines of all files; call `advance` with the number of bytes read since.

    Bytes that are not UTF-8 become surrogates. Raises InvalidFile where a file cannot be read.
    """
    for name in files:
        try:
            yield from _read_file(name, advance)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InvalidFile(f"{name} is not a complete gzip file: {error}") from error
        except OSError as error:
            raise InvalidFile(f"{name} cannot be read: {error.strerror}") from error


def _read_file(name: str, advance: Callable[[int], None]) -> Iterator[tuple[LineLocation, str]]:
    reported = 0
    with _open(name) as raw:
        text = io.TextIOWrapper(
            _decompress(raw, name), encoding="utf-8", errors="surrogateescape", newline="\n"
        )
        for number, line in enumerate(text, 1):
            if number % _LINES_PER_PROGRESS_UPDATE == 0 and raw.seekable():
                offset = raw.tell()
                advance(offset - reported)
                reported = offset
            yield LineLocation("stdin" if name == STDIN else name, number), line.rstrip("\r\n")
        if raw.seekable():
            advance(raw.tell() - reported)


def _open(name: str) -> io.BufferedReader:
    """Open a file, or a duplicate of stdin, so that closing it leaves stdin open."""
    if name != STDIN:
        return Path(name).open("rb")
    return os.fdopen(os.dup(click.get_binary_stream("stdin").fileno()), "rb")


def _decompress(raw: io.BufferedReader, name: str) -> io.BufferedReader | gzip.GzipFile:
    magic = raw.peek(3)[:3]
    if magic.startswith(_GZIP_MAGIC):
        return gzip.open(raw)
    if magic in _OTHER_FORMATS:
        raise InvalidFile(
            f"{name} is not gzip or plain text; run "
            f"{_OTHER_FORMATS[magic]} {name} | mostread import-logs - ..."
        )
    return raw
