"""The parameters of a list in an address: each parsed once into a ListQuery, or refused by name."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import parse_qsl, unquote, urlencode
from zoneinfo import available_timezones

from mostread.core.ranking import windows as window
from mostread.core.ranking.scoring import TRENDING_WINDOW
from mostread.errors import MostreadError
from mostread.ranking.pages.words import Lang

DEEPEST = 10_000
"""The largest offset of a page."""

By = Literal["views", "comments", "likes", "score", "trending"]


class BadParameter(MostreadError):
    """A parameter is unknown, given twice, or has a value that is not allowed."""

    def __init__(self, parameter: str, said: str, allowed: str) -> None:
        super().__init__(f"{said}. Allowed: {allowed}.")
        self.parameter = parameter
        self.allowed = allowed


class Parameter(NamedTuple):
    """What a parameter may be, in words, and what reads it."""

    allowed: str
    parse: Callable[[str], Any]
    """Raises ValueError for a value that is not allowed."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which list is asked for. Two addresses that mean the same list make equal queries."""

    site: str = "default"
    window: str = "24h"
    by: By = "views"
    limit: int = 10
    offset: int = 0
    section: str | None = None
    language: str | None = None
    published_within: timedelta | None = None
    tz: str | None = None
    half_life: timedelta | None = None
    quarantined: bool = False
    explain: bool = False
    cursor: str | None = None
    q: str | None = None
    # The words around the list, and whether its numbers are shown: another form of one list.
    lang: Lang = field(default="en", compare=False)
    counts: bool = field(default=True, compare=False)
    # What was written in the address, for the links of a page; it names no other list.
    written: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def whole(self) -> "ListQuery":
        """The list that this is a page of."""
        return replace(self, limit=10, offset=0, explain=False, cursor=None)

    @property
    def words(self) -> list[str]:
        """What a title or id has to hold, each somewhere; none where nothing is searched for."""
        return (self.q or "").split()

    def address(self, **changes: str | None) -> str:
        """Return the same address with parameters changed, or left out where None or empty."""
        kept = {**dict(self.written), **changes}
        return "?" + urlencode({name: value for name, value in kept.items() if value})


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an operator sets for where an address says nothing."""

    tz: str = "UTC"
    half_life: timedelta | None = None


def list_query(
    raw: str, defaults: Defaults, *, known: Mapping[str, Parameter] | None = None
) -> ListQuery:
    """Parse the part of an address behind the question mark. Raises BadParameter.

    `known` are the parameters of the address, where it takes fewer than the list itself.
    """
    parameters = PARAMETERS if known is None else known
    written, values = parsed(raw, parameters)
    values.setdefault("half_life", defaults.half_life)
    query = ListQuery(**values, written=tuple(written.items()))
    if query.cursor and query.offset:
        raise BadParameter("offset", "a cursor knows its place", "offset without a cursor")
    if query.by == "trending":
        query = replace(query, window=TRENDING_WINDOW)
    # What changes nothing is dropped: without this, each zone would be computed for itself.
    zone = (query.tz or defaults.tz) if query.window in window.CALENDAR else None
    decays = query.by == "score" and query.window != window.LIFETIME
    return replace(query, tz=zone, half_life=query.half_life if decays else None)


def site_only(raw: str) -> str:
    """Parse an address that takes nothing but `site`. Raises BadParameter."""
    _, values = parsed(raw, {"site": PARAMETERS["site"]})
    site: str = values.get("site", "default")
    return site


def article_id_of(encoded: str) -> str:
    """Return the id that stands in a path, percent-encoded. Raises BadParameter."""
    allowed = "1 to 128 characters of UTF-8, percent-encoded, none of them a control character"
    try:
        article_id = unquote(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise BadParameter("article_id", "article_id is not UTF-8", allowed) from error
    if not re.fullmatch("[^\x00-\x1f]{1,128}", article_id):
        raise BadParameter("article_id", "article_id is not one", allowed)
    return article_id


def parsed(raw: str, known: Mapping[str, Parameter]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what is written in an address, and what it means, by name. Raises BadParameter."""
    written = _pairs(raw, known)
    return written, {name: _parsed(name, value, known[name]) for name, value in written.items()}


def _pairs(raw: str, known: Mapping[str, Parameter]) -> dict[str, str]:
    names = ", ".join(known)
    try:
        # An address that is not percent-encoded carries its bytes as surrogates.
        text = raw.encode("utf-8", "surrogateescape").decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError as error:
        raise BadParameter("", "the parameters are not UTF-8, or too many", names) from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise BadParameter(name, f"there is no parameter {name[:64]!r}", names)
        if name in found:
            raise BadParameter(name, f"{name} is given twice", f"{name} once")
        found[name] = value
    return found


def _parsed(name: str, value: str, parameter: Parameter) -> Any:
    try:
        return parameter.parse(value)
    except ValueError as error:
        raise BadParameter(name, f"{name} cannot be {value[:64]!r}", parameter.allowed) from error


def _matching(pattern: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def parse(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(value)
        return value

    return parse


def one_of(names: tuple[str, ...]) -> Parameter:
    """Return a parameter that is one of some words."""
    return Parameter(", ".join(names), _matching("|".join(names)))


def _whole(least: int, most: int) -> Parameter:
    def parse(value: str) -> int:
        # int() takes more than digits: signs, spaces, underscores, digits of other scripts.
        if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise ValueError(value)
        return int(value)

    return Parameter(f"a whole number from {least} to {most}", parse)


def _duration(value: str) -> timedelta:
    match = re.fullmatch("([1-9][0-9]{0,3})([hd])", value)
    if match is None:
        raise ValueError(value)
    number = int(match[1])
    return timedelta(hours=number) if match[2] == "h" else timedelta(days=number)


def _search(value: str) -> str | None:
    # Titles are composed: a й in two characters would not be found.
    words = unicodedata.normalize("NFC", value).split()
    if len(value) > 100 or re.search("[\x00-\x1f\x7f]", value):
        raise ValueError(value)
    # An empty field of a form searches for nothing.
    return " ".join(words) or None


def _half_life(value: str) -> timedelta | None:
    return None if value == "none" else _duration(value)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(value: str) -> str:
    """Return the name of an IANA zone as it is. Raises ValueError where there is none such."""
    if value not in _zones():
        raise ValueError("not the name of an IANA time zone, for example Asia/Almaty")
    return value


_YES_OR_NO = Parameter("0 or 1", lambda value: _matching("[01]")(value) == "1")

PARAMETERS = {
    "site": Parameter("1 to 64 of A-Z a-z 0-9 . _ -", _matching("[A-Za-z0-9._-]{1,64}")),
    "window": one_of(window.NAMES),
    "by": one_of(get_args(By)),
    "limit": _whole(1, 100),
    "offset": _whole(0, DEEPEST),
    "section": Parameter("1 to 100 characters", _matching("[^\x00-\x1f\x7f]{1,100}")),
    "language": Parameter(
        "a language tag (BCP 47), for example kk, ru or en-GB",
        _matching("(?=.{1,35}$)[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"),
    ),
    "published_within": Parameter("hours or days, for example 6h or 7d", _duration),
    "tz": Parameter("the name of an IANA time zone, for example Asia/Almaty", zone),
    "half_life": Parameter("hours or days, for example 6h or 2d, or none", _half_life),
    "quarantined": _YES_OR_NO,
    "explain": _YES_OR_NO,
    "cursor": Parameter(
        "* for the first page, then the next_cursor of the page before",
        _matching(r"\*|[A-Za-z0-9_-]{1,64}\.[0-9]{1,5}"),
    ),
    "q": Parameter("words of a title or an id, at most 100 characters", _search),
}

# What names a list; the others are about the form of its answer.
LIST = {name: PARAMETERS[name] for name in PARAMETERS if name not in {"explain", "cursor", "q"}}

_LANG = one_of(get_args(Lang))

# What a page says beside: the language of its words, which is the reader's where it says nothing.
PAGE = {**LIST, "q": PARAMETERS["q"], "lang": _LANG}

# What a piece of other sites' pages says beside: its language too, and whether numbers are shown.
WORDED = {
    **LIST,
    "lang": _LANG,
    "counts": PARAMETERS["explain"],
}
