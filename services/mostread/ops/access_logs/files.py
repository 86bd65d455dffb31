"""The lines of access logs, gzipped or not, with their places."""

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
_LINES_A_STEP = 5000
_OTHERS = {b"BZh": "bzcat", b"\xfd7z": "xzcat", b"\x28\xb5\x2f": "zstdcat", b"PK\x03": "unzip -p"}


class Place(NamedTuple):
    """Where a line stands."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


def size(files: Sequence[str]) -> int | None:
    """Return the bytes of all files as they lie on the disk, None where one is no file."""
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


def lines(files: Sequence[str], advance: Callable[[int], None]) -> Iterator[tuple[Place, str]]:
    """Yield the lines of all files; `advance` is told how many bytes more were read.

    Bytes that are no UTF-8 are surrogates. Raises InvalidFile where a file can't be read.
    """
    for name in files:
        try:
            yield from _lines(name, advance)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InvalidFile(f"{name} is no whole gzip file: {error}") from error
        except OSError as error:
            raise InvalidFile(f"{name} can't be read: {error.strerror}") from error


def _lines(name: str, advance: Callable[[int], None]) -> Iterator[tuple[Place, str]]:
    told = 0
    with _opened(name) as raw:
        text = io.TextIOWrapper(
            _plain(raw, name), encoding="utf-8", errors="surrogateescape", newline="\n"
        )
        for number, line in enumerate(text, 1):
            if number % _LINES_A_STEP == 0 and raw.seekable():
                at = raw.tell()
                advance(at - told)
                told = at
            yield Place("stdin" if name == STDIN else name, number), line.rstrip("\r\n")
        if raw.seekable():
            advance(raw.tell() - told)


def _opened(name: str) -> io.BufferedReader:
    """Open a file; stdin by another descriptor, so that closing it does not close stdin."""
    if name != STDIN:
        return Path(name).open("rb")
    return os.fdopen(os.dup(click.get_binary_stream("stdin").fileno()), "rb")


def _plain(raw: io.BufferedReader, name: str) -> io.BufferedReader | gzip.GzipFile:
    begins = raw.peek(3)[:3]
    if begins.startswith(b"\x1f\x8b"):
        return gzip.open(raw)
    if begins in _OTHERS:
        raise InvalidFile(f"{name} is compressed: {_OTHERS[begins]} {name} | mostread replay - ...")
    return raw
