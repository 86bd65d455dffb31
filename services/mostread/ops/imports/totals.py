"""The totals of one article, and what makes a file of them right."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from mostread.core.events import Name64, Name128
from mostread.errors import InvalidFile
from mostread.ops.imports.repository import ROWS_A_BLOCK, Block, Import

SHOWN = 20
MOST = 2**53 - 1
"""The largest number that every reader of JSON reads as it is."""

Number = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


class Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an article was given in its life, as the earlier system counted it."""

    article_id: Name128
    views: Number
    comments: Number
    likes: Number
    site: Name64 = "default"


FIELDS = Totals.__struct_fields__
REQUIRED = FIELDS[:-1]


@dataclass(frozen=True)
class Line:
    """A line of the file: its fields by name, or what is wrong with it."""

    number: int
    found: dict[str, Any] | str


def checked(lines: Iterable[Line]) -> list[Totals]:
    """Return the totals of all lines.

    Raises InvalidFile, naming the first 20 lines that are wrong and the number of the others.
    """
    totals: list[Totals] = []
    wrong: list[str] = []
    first: dict[tuple[str, str], int] = {}
    for line in lines:
        try:
            each = _totals(line)
        except ValueError as error:
            wrong.append(f"line {line.number}: {error}")
            continue
        key = (each.site, each.article_id)
        if key in first:
            wrong.append(
                f"line {line.number}: article {each.article_id!r} of site {each.site} is in "
                f"line {first[key]} already"
            )
        first.setdefault(key, line.number)
        totals.append(each)
    if wrong:
        more = f"\nand {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
        raise InvalidFile("nothing was imported:\n" + "\n".join(wrong[:SHOWN]) + more)
    if not totals:
        raise InvalidFile("the file holds no totals")
    return totals


def _totals(line: Line) -> Totals:
    if isinstance(line.found, str):
        raise ValueError(line.found)
    # msgspec's errors are ValueErrors, and say which field is wrong.
    totals = msgspec.convert(line.found, Totals)
    for name in (totals.article_id, totals.site):
        if any(character < " " for character in name):
            raise ValueError("a name holds a control character")
        name.encode()  # half a surrogate can't be written
    return totals


def imported(name: str, totals: Sequence[Totals]) -> Import:
    """Return what an import of `totals` would be."""
    return Import(
        name,
        digest(totals),
        len(totals),
        sum(each.views for each in totals),
        sum(each.comments for each in totals),
        sum(each.likes for each in totals),
    )


def blocks(totals: Sequence[Totals]) -> Iterator[Block]:
    """Yield the rows of `counters` that `totals` become."""
    for start in range(0, len(totals), ROWS_A_BLOCK):
        some = totals[start : start + ROWS_A_BLOCK]
        columns = {name: [getattr(each, name) for each in some] for name in FIELDS}
        yield {**columns, "grain": ["total"] * len(some), "window": [0] * len(some)}


def digest(totals: Iterable[Totals]) -> str:
    """Return SHA-256 of what is said, in whatever order and form it was written."""
    found = hashlib.sha256()
    for line in sorted(_canonical(totals)):
        found.update(line + b"\n")
    return found.hexdigest()


def _canonical(totals: Iterable[Totals]) -> Iterator[bytes]:
    encoder = msgspec.json.Encoder()
    return (encoder.encode(each) for each in totals)
