"""Lists, series and decisions as files: CSV for spreadsheets, NDJSON for programs.

CSV has a header line; with `separator=semicolon` it has the separators that Excel expects where the
decimal sign is a comma. core/csv_text.py guards it against formulas. NDJSON has the items of the
JSON response, one per line and unchanged.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from mostread.core.csv_text import csv_lines
from mostread.errors import BadParameter
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api.responses import PUBLIC, CachedResponse

Format = Literal["csv", "ndjson"]
_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
}
_OWN = re.compile("(?:^|(?<=&))(format|bom|separator)=([^&]*)(?:&|$)")
_SEPARATORS = {"comma": ",", "semicolon": ";"}
_DECIMAL_COMMA = ("ru", "kk")

STEP_COLUMNS = ("start", "views", "comments", "likes", "complete")
"""Columns of a series."""


class Export(NamedTuple):
    """How to write a file; `bom` marks CSV, and no other format, as UTF-8 for Excel."""

    format: Format
    bom: bool = False
    separator: str = ","


def take_export(raw: str) -> tuple[Export | None, str]:
    """Take `format`, `bom` and `separator` out of a query string; return them and the rest.

    None means JSON. Raises BadParameter.
    """
    own = _OWN.findall(raw)
    if not own:
        return None, raw
    values = dict(own)
    if len(values) < len(own):
        raise BadParameter("format", "a parameter of the file is repeated", "each of them once")
    name, bom = values.get("format", "json"), values.get("bom", "0")
    separator = values.get("separator", "comma")
    if name not in ("json", *get_args(Format)):
        raise BadParameter("format", f"format cannot be {name[:64]!r}", "json, csv, ndjson")
    if bom not in ("0", "1"):
        raise BadParameter("bom", f"bom cannot be {bom[:64]!r}", "0 or 1")
    if separator not in _SEPARATORS:
        raise BadParameter(
            "separator", f"separator cannot be {separator[:64]!r}", ", ".join(_SEPARATORS)
        )
    rest = _OWN.sub("", raw).rstrip("&")
    return (None if name == "json" else Export(name, bom == "1", _SEPARATORS[separator])), rest


def spreadsheet(lang: str) -> Mapping[str, str]:
    """Return the parameters of a file that Excel opens in columns where this language is spoken."""
    separator = {"separator": "semicolon"} if lang in _DECIMAL_COMMA else {}
    return {"format": "csv", "bom": "1", **separator}


class Table(NamedTuple):
    """The name of a file without its suffix, and its columns.

    A column is the path of a value in an item: `window.views`, which is headed `window_views`.
    """

    name: str
    columns: Sequence[str]

    def head(self, export: Export) -> bytes:
        """Return what precedes the items."""
        if export.format == "ndjson":
            return b""
        names = [column.replace(".", "_") for column in self.columns]
        return (BOM_UTF8 if export.bom else b"") + csv_lines([names], export.separator)

    def lines(self, export: Export, items: Iterable[Mapping[str, object]]) -> bytes:
        """Return items, one per line."""
        if export.format == "ndjson":
            return b"".join(msgspec.json.encode(item) + b"\n" for item in items)
        plain: list[dict[str, Any]] = msgspec.to_builtins(list(items))
        rows = ([_value(item, path) for path in self.columns] for item in plain)
        return csv_lines(rows, export.separator)

    def note(self, export: Export, text: str) -> bytes:
        """Return a line that says why items are missing."""
        if export.format == "ndjson":
            return msgspec.json.encode({"incomplete": text}) + b"\n"
        return csv_lines([[text]], export.separator)

    def headers(self, export: Export) -> dict[str, str]:
        """Return the type and the name of the file."""
        name = re.sub("[^A-Za-z0-9._]+", "-", self.name).strip("-.")[:100]
        return {
            "Content-Type": _TYPES[export.format],
            "Content-Disposition": f'attachment; filename="{name}.{export.format}"',
        }


def file_response(
    request: Request,
    export: Export,
    table: Table,
    items: Iterable[Mapping[str, object]],
    cache_control: str = PUBLIC,
) -> Response:
    """Return the file with items, which browsers save."""
    content = table.head(export) + table.lines(export, items)
    cached = CachedResponse.of(content, cache_control=cache_control)
    cached.headers.update(table.headers(export))
    return cached.respond(request)


def _value(item: Mapping[str, Any], path: str) -> object:
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
