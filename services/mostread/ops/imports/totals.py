"""Lifetime totals of articles: validation, digest and rows."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from mostread.core.events import Name64, Name128
from mostread.errors import InvalidFile
from mostread.ops.imports.files import Columns, FileLine, invalid_lines
from mostread.ops.imports.repository import Block, Import, digest, split_blocks

MAX_TOTAL = 2**53 - 1
"""The largest integer that every JSON parser reads exactly."""

Total = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOTAL)]


class ArticleTotals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lifetime counts of an article in the previous system."""

    article_id: Name128
    views: Total
    comments: Total
    likes: Total
    site: Name64 = "default"


FIELDS = ArticleTotals.__struct_fields__


def _parse_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = dict(cells)
    for name in ("views", "comments", "likes"):
        number = fields[name].strip()
        if not re.fullmatch(r"-?[0-9]{1,19}", number):
            raise ValueError(f"{name} is {fields[name]!r}; write a whole number without separators")
        fields[name] = int(number)
    return fields


COLUMNS = Columns(FIELDS, FIELDS[:-1], _parse_cells)


def validate_lines(lines: Iterable[FileLine]) -> list[ArticleTotals]:
    """Return the totals of all lines.

    Raises InvalidFile with the first 20 invalid lines and the number of the others.
    """
    valid: list[ArticleTotals] = []
    errors: list[str] = []
    first_lines: dict[tuple[str, str], int] = {}
    for line in lines:
        try:
            totals = _validate_line(line)
        except ValueError as error:
            errors.append(f"line {line.number}: {error}")
            continue
        key = (totals.site, totals.article_id)
        if key in first_lines:
            errors.append(
                f"line {line.number}: article {totals.article_id!r} of site {totals.site} is in "
                f"line {first_lines[key]} already"
            )
        first_lines.setdefault(key, line.number)
        valid.append(totals)
    if errors:
        raise invalid_lines(errors)
    if not valid:
        raise InvalidFile("the file contains no totals")
    return valid


def _validate_line(line: FileLine) -> ArticleTotals:
    if isinstance(line.content, str):
        raise ValueError(line.content)
    # msgspec raises ValueErrors that name the invalid field.
    totals = msgspec.convert(line.content, ArticleTotals)
    for name in (totals.article_id, totals.site):
        if any(character < " " for character in name):
            raise ValueError("a name contains a control character")
        name.encode()  # raises ValueError for a lone surrogate
    return totals


def totals_import(name: str, totals: Sequence[ArticleTotals]) -> Import:
    """Return the record of an import of `totals`."""
    return Import(
        name,
        totals_digest(totals),
        len(totals),
        sum(article.views for article in totals),
        sum(article.comments for article in totals),
        sum(article.likes for article in totals),
    )


def totals_blocks(totals: Sequence[ArticleTotals]) -> Iterator[Block]:
    """Yield rows of `counter_versions` for `totals`."""
    columns: dict[str, Sequence[object]] = {
        name: [getattr(article, name) for article in totals] for name in FIELDS
    }
    rows = len(totals)
    return split_blocks({**columns, "grain": ["total"] * rows, "window": [0] * rows})


def totals_digest(totals: Iterable[ArticleTotals]) -> str:
    """Return the SHA-256 of the totals, independent of their order and file format."""
    encode = msgspec.json.Encoder().encode
    return digest(line + b"\n" for line in sorted(map(encode, totals)))
