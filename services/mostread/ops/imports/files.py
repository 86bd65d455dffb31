"""Files of totals: CSV or NDJSON, gzipped or not."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec

from mostread.errors import InvalidFile
from mostread.ops.imports.totals import FIELDS, REQUIRED_FIELDS, FileLine

_GZIP_MAGIC = b"\x1f\x8b"
_DELIMITERS = ",;\t"
"""Spreadsheets write semicolons where the locale's decimal separator is a comma."""


def parse_file(content: bytes, name: str) -> Iterator[FileLine]:
    """Yield the lines of the file `name`.

    Raises InvalidFile where the file is unreadable as a whole.
    """
    text = _decode(content)
    if _is_ndjson(text, name):
        yield from _parse_ndjson(text)
    else:
        yield from _parse_csv(text)


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


def _parse_csv(text: str) -> Iterator[FileLine]:
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        _check_header(columns)
        for cells in reader:
            if cells:
                yield FileLine(reader.line_num, _parse_cells(columns, cells))
    except csv.Error as error:
        yield FileLine(reader.line_num, str(error))


def _check_header(columns: list[str]) -> None:
    """Raise InvalidFile unless the columns are those of totals."""
    if missing := [name for name in REQUIRED_FIELDS if name not in columns]:
        raise InvalidFile(
            f"line 1: no column {', '.join(missing)}; required are "
            f"{', '.join(REQUIRED_FIELDS)}, and site is optional"
        )
    unknown = [name or "without a name" for name in columns if name not in FIELDS]
    if unknown or len(set(columns)) < len(columns):
        error = f"column {unknown[0]} is unknown" if unknown else "a column occurs twice"
        raise InvalidFile(f"line 1: {error}; the columns are {', '.join(FIELDS)}")


def _parse_cells(columns: list[str], cells: list[str]) -> dict[str, Any] | str:
    if len(cells) != len(columns):
        return f"{len(cells)} fields, but the header has {len(columns)}"
    fields: dict[str, Any] = dict(zip(columns, cells, strict=True))
    for name in ("views", "comments", "likes"):
        number = fields[name].strip()
        if not re.fullmatch(r"-?[0-9]{1,19}", number):
            return f"{name} is {fields[name]!r}; write a whole number without separators"
        fields[name] = int(number)
    return fields
