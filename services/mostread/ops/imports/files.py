"""A file of totals, CSV or NDJSON, as its lines."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec

from mostread.errors import InvalidFile
from mostread.ops.imports.totals import FIELDS, REQUIRED, Line

_GZIP = b"\x1f\x8b"
_DELIMITERS = ",;\t"
"""The second is what a spreadsheet writes where the comma is in numbers."""


def lines(content: bytes, name: str) -> Iterator[Line]:
    """Yield the lines of a file called `name`, gzipped or not.

    Raises InvalidFile where it can't be read at all.
    """
    text = _text(content)
    if _is_json(text, name):
        yield from _of_json(text)
    else:
        yield from _of_csv(text)


def _text(content: bytes) -> str:
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidFile(f"this is no whole gzip file: {error}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise InvalidFile(
            f"line {number} is not UTF-8; save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"
        ) from error


def _is_json(text: str, name: str) -> bool:
    ending = name.lower().removesuffix(".gz").rpartition(".")[2]
    if ending in ("csv", "ndjson", "jsonl"):
        return ending != "csv"
    return text.lstrip().startswith("{")


def _of_json(text: str) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield Line(number, decoder.decode(line))
            except (msgspec.DecodeError, RecursionError, ValueError) as error:
                yield Line(number, str(error))


def _of_csv(text: str) -> Iterator[Line]:
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        _check(columns)
        for cells in reader:
            if cells:
                yield Line(reader.line_num, _fields(columns, cells))
    except csv.Error as error:
        yield Line(reader.line_num, str(error))


def _check(columns: list[str]) -> None:
    """Raise InvalidFile where the header is not one of totals."""
    if missing := [name for name in REQUIRED if name not in columns]:
        raise InvalidFile(
            f"line 1: no column {', '.join(missing)}; the header must name "
            f"{', '.join(REQUIRED)}, and may name site"
        )
    unknown = [name or "without a name" for name in columns if name not in FIELDS]
    if unknown or len(set(columns)) < len(columns):
        which = f"column {unknown[0]} is not known" if unknown else "a column comes twice"
        raise InvalidFile(f"line 1: {which}; the columns are {', '.join(FIELDS)}")


def _fields(columns: list[str], cells: list[str]) -> dict[str, Any] | str:
    if len(cells) != len(columns):
        return f"{len(cells)} fields, and the header has {len(columns)}"
    found: dict[str, Any] = dict(zip(columns, cells, strict=True))
    for name in ("views", "comments", "likes"):
        number = found[name].strip()
        if not re.fullmatch(r"-?[0-9]{1,19}", number):
            return f"{name} is {found[name]!r}, and must be a whole number without separators"
        found[name] = int(number)
    return found
