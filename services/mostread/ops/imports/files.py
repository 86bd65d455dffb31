"""Files of totals or articles: CSV or NDJSON, gzipped or not."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from mostread.errors import InvalidFile

_GZIP_MAGIC = b"\x1f\x8b"
_DELIMITERS = ",;\t"
"""Spreadsheets write semicolons where the locale's decimal separator is a comma."""


MAX_ERRORS_SHOWN = 20


@dataclass(frozen=True)
class FileLine:
    """A line of the file: its fields by name, or an error message."""

    number: int
    content: dict[str, Any] | str


@dataclass(frozen=True)
class Columns:
    """Columns of a CSV file. `parse` returns the fields of a line, or raises ValueError."""

    allowed: Sequence[str]
    required: Sequence[str]
    parse: Callable[[Mapping[str, str]], dict[str, Any]]


def invalid_lines(errors: Sequence[str]) -> InvalidFile:
    """Return the error of a file with invalid lines: the first 20, and the number of the others."""
    hidden = len(errors) - MAX_ERRORS_SHOWN
    more = f"\nand {hidden:,} more" if hidden > 0 else ""
    return InvalidFile(
        "nothing was imported; correct these lines:\n" + "\n".join(errors[:MAX_ERRORS_SHOWN]) + more
    )


def parse_file(content: bytes, name: str, columns: Columns) -> Iterator[FileLine]:
    """Yield the lines of the file `name`.

    Raises InvalidFile where the file is unreadable as a whole.
    """
    text = _decode(content)
    if _is_ndjson(text, name):
        yield from _parse_ndjson(text)
    else:
        yield from _parse_csv(text, columns)


def _decode(content: bytes) -> str:
    if content.startswith(_GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidFile(f"this is not a complete gzip file: {error}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise InvalidFile(
            f"line {number} is not UTF-8; save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"
        ) from error


def _is_ndjson(text: str, name: str) -> bool:
    extension = name.lower().removesuffix(".gz").rpartition(".")[2]
    if extension in ("csv", "ndjson", "jsonl"):
        return extension != "csv"
    return text.lstrip().startswith("{")


def _parse_ndjson(text: str) -> Iterator[FileLine]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield FileLine(number, decoder.decode(line))
            except (msgspec.DecodeError, RecursionError, ValueError) as error:
                yield FileLine(number, str(error))


def _parse_csv(text: str, columns: Columns) -> Iterator[FileLine]:
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [column.strip() for column in next(reader, [])]
        _check_header(names, columns)
        for cells in reader:
            if cells:
                yield FileLine(reader.line_num, _parse_cells(names, cells, columns))
    except csv.Error as error:
        yield FileLine(reader.line_num, str(error))


def _check_header(names: list[str], columns: Columns) -> None:
    """Raise InvalidFile unless the header names `columns`."""
    if missing := [name for name in columns.required if name not in names]:
        optional = [name for name in columns.allowed if name not in columns.required]
        raise InvalidFile(
            f"line 1: no column {', '.join(missing)}; required are "
            f"{', '.join(columns.required)}, and optional are {', '.join(optional)}"
        )
    unknown = [name or "without a name" for name in names if name not in columns.allowed]
    if unknown or len(set(names)) < len(names):
        error = f"column {unknown[0]} is unknown" if unknown else "a column occurs twice"
        raise InvalidFile(f"line 1: {error}; the columns are {', '.join(columns.allowed)}")


def _parse_cells(names: list[str], cells: list[str], columns: Columns) -> dict[str, Any] | str:
    if len(cells) != len(names):
        return f"{len(cells)} fields, but the header has {len(names)}"
    try:
        return columns.parse(dict(zip(names, cells, strict=True)))
    except ValueError as error:
        return str(error)
