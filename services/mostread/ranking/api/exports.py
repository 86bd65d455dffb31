"""Lists, series and decisions as files: CSV for spreadsheets, NDJSON for programs.

CSV follows RFC 4180, in UTF-8, with a header line. Spreadsheets take a cell that begins with one of
`=+-@` for a formula, and headlines come from a CMS, so an apostrophe precedes such a text
(https://owasp.org/www-community/attacks/CSV_Injection). NDJSON has the items of the JSON response,
one per line and unchanged.
"""

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from mostread.errors import BadParameter
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api.responses import PUBLIC, CachedResponse

Format = Literal["csv", "ndjson"]
_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
}
_FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_OWN = re.compile("(?:^|(?<=&))(format|bom)=([^&]*)(?:&|$)")


STEP_COLUMNS = ("start", "views", "comments", "likes", "complete")
"""Columns of a series."""


class Export(NamedTuple):
    """How to write a file; `bom` marks CSV, and no other format, as UTF-8 for Excel."""

    format: Format
    bom: bool = False


def take_export(raw: str) -> tuple[Export | None, str]:
    """Take `format` and `bom` out of a query string; return them and the rest.

    None means JSON. Raises BadParameter.
    """
    own = _OWN.findall(raw)
    if not own:
        return None, raw
    values = dict(own)
    if len(values) < len(own):
        raise BadParameter("format", "format or bom is repeated", "each of them once")
    name, bom = values.get("format", "json"), values.get("bom", "0")
    if name not in ("json", *get_args(Format)):
        raise BadParameter("format", f"format cannot be {name[:64]!r}", "json, csv, ndjson")
    if bom not in ("0", "1"):
        raise BadParameter("bom", f"bom cannot be {bom[:64]!r}", "0 or 1")
    rest = _OWN.sub("", raw).rstrip("&")
    return (None if name == "json" else Export(name, bom == "1")), rest


class Table(NamedTuple):
    """The name of a file without its suffix, and its columns.

    A column is the path of a value in an item: `window.views`, which is headed `window_views`.
    """

    name: str
    columns: Sequence[str]

    def content(self, export: Export, items: Iterable[Mapping[str, object]]) -> bytes:
        """Return the file with items."""
        if export.format == "ndjson":
            return b"".join(msgspec.json.encode(item) + b"\n" for item in items)
        plain: list[dict[str, Any]] = msgspec.to_builtins(list(items))
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(column.replace(".", "_") for column in self.columns)
        writer.writerows([_cell(_value(item, path)) for path in self.columns] for item in plain)
        return (BOM_UTF8 if export.bom else b"") + text.getvalue().encode()

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
    cached = CachedResponse.of(table.content(export, items), cache_control=cache_control)
    cached.headers.update(table.headers(export))
    return cached.respond(request)


def _value(item: Mapping[str, Any], path: str) -> object:
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = "|".join(map(str, value))
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value
