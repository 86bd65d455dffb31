"""Parse query strings, and the values of parameters."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from mostread.core import article_ids
from mostread.errors import BadParameter

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)

Written = tuple[tuple[str, str], ...]
"""The parameters of a query string, decoded, in their order."""


class Parameter(NamedTuple):
    """A description of the allowed values, and the function that parses them."""

    allowed: str
    parse: Callable[[str], Any]
    """Raises ValueError for a value that is not allowed."""
    most: int = 1
    """How often it may occur; the value of one that may be repeated is a sorted tuple."""


def parse(
    raw: str, known: Mapping[str, Parameter], *, followed: bool = False
) -> tuple[Written, dict[str, Any]]:
    """Return the parameters of a query string as written and as parsed. Raises BadParameter.

    An unknown one is an error, since misspelt it would have no effect. Not so in a link that people
    have `followed`: mailers and networks add parameters of their own to links.
    """
    written = _pairs(raw, known, followed)
    parsed: dict[str, Any] = {}
    for name, value in written:
        one = _parsed(name, value, known[name])
        if known[name].most == 1:
            parsed[name] = one
        else:
            parsed.setdefault(name, set()).add(one)
    for name, values in parsed.items():
        if known[name].most > 1:
            parsed[name] = tuple(sorted(values))
    return written, parsed


def _pairs(raw: str, known: Mapping[str, Parameter], followed: bool) -> Written:
    names = ", ".join(known)
    most = max(32, sum(parameter.most for parameter in known.values()))
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError as error:
        raise BadParameter("", "the parameters are not UTF-8, or too many", names) from error
    if followed:
        pairs = [(name, value) for name, value in pairs if name in known]
    occurrences = Counter(name for name, _ in pairs)
    for name, times in occurrences.items():
        if name not in known:
            raise BadParameter(name, f"unknown parameter {name[:64]!r}", names)
        most = known[name].most
        if times > most:
            allowed = f"{name} once" if most == 1 else f"{name} at most {most} times"
            raise BadParameter(name, f"{name} is repeated", allowed)
    return tuple(pairs)


def _parsed(name: str, value: str, parameter: Parameter) -> Any:
    try:
        return parameter.parse(value)
    except ValueError as error:
        raise BadParameter(name, f"{name} cannot be {value[:64]!r}", parameter.allowed) from error


def one_of(names: tuple[str, ...]) -> Parameter:
    """Return a parameter that accepts one of `names`."""
    return Parameter(", ".join(names), matching("|".join(names)))


def matching(pattern: str) -> Callable[[str], str]:
    """Return a parser that accepts values that match a whole pattern."""
    compiled = re.compile(pattern)

    def parse(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(value)
        return value

    return parse


def integer(minimum: int, maximum: int) -> Parameter:
    """Return a parameter that accepts whole numbers in decimal digits."""

    def parse(value: str) -> int:
        # int() also accepts signs, spaces, underscores and digits of other scripts.
        if not re.fullmatch("[0-9]{1,9}", value) or not minimum <= int(value) <= maximum:
            raise ValueError(value)
        return int(value)

    return Parameter(f"a whole number from {minimum} to {maximum}", parse)


def duration(value: str) -> timedelta:
    """Parse hours or days: 6h, 7d."""
    match = re.fullmatch("([1-9][0-9]{0,3})([hd])", value)
    if match is None:
        raise ValueError(value)
    number = int(match[1])
    return timedelta(hours=number) if match[2] == "h" else timedelta(days=number)


def half_life(value: str) -> timedelta | None:
    """Parse a duration or `none`."""
    return None if value == "none" else duration(value)


def search(value: str) -> str | None:
    """Parse the words of a search, None if there are none."""
    # Titles are in composed form (NFC): a decomposed й would not match.
    words = unicodedata.normalize("NFC", value).split()
    if len(value) > 100 or re.search("[\x00-\x1f\x7f]", value):
        raise ValueError(value)
    # An empty form field means no search.
    return " ".join(words) or None


def wall_seconds(value: str) -> int | None:
    """Parse the seconds that a wall screen shows each section, None where it is empty."""
    return int(integer(5, 3600).parse(value)) if value else None


def timestamp(value: str) -> datetime:
    """Parse an RFC 3339 time between 1970 and 2100."""
    # A plus that is not percent-encoded arrives as a space.
    if not _RFC3339.fullmatch(value.replace(" ", "+")):
        raise ValueError(value)
    timestamp = datetime.fromisoformat(value.replace(" ", "+")).astimezone(UTC)
    if not 1970 <= timestamp.year < 2100:
        raise ValueError(value)
    return timestamp


def timestamp_or_date(value: str) -> datetime | date:
    """Parse an RFC 3339 time, or a date between 1970 and 2100."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return timestamp(value)
    day = date.fromisoformat(value)
    if not 1970 < day.year < 2100:
        raise ValueError(value)
    return day


ARTICLE_ID = Parameter("the id of an article, 1 to 128 characters", article_ids.clean)
FLAG = Parameter("0 or 1", lambda value: matching("[01]")(value) == "1")
TIMESTAMP = Parameter("an RFC 3339 time, for example 2026-11-23T14:00:00Z", timestamp)
TIMESTAMP_OR_DATE = Parameter(
    "a date, or an RFC 3339 time, for example 2026-11-23 or 2026-11-23T14:00:00Z",
    timestamp_or_date,
)
