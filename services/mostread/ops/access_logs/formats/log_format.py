"""The interface of a format of access logs, and what several formats share."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from mostread.ops.access_logs.clients import ClientResolver
from mostread.ops.access_logs.request import EXCERPT_LENGTH, LoggedRequest

LAST_FIELD = "last"
"""--client-from for the last quoted field of a common or combined log."""

_MAX_UNESCAPED_LINE = 8192
"""Limit of the search for the ends of fields that contain quotes."""


@dataclass(frozen=True)
class FormatOptions:
    """Options of all formats.

    `client_from` names the field that contains the reader's addresses, if not the usual one.
    `zone` is that of times without one; None is UTC.
    """

    clients: ClientResolver
    client_from: str | None = None
    zone: tzinfo | None = None


class OtherFormat(ValueError):
    """A line, or a file, that is not in the format at all."""


class LogFormat(Protocol):
    """A format, as the lines of one file have it.

    `notes` say what the reader of the summary should know about the file.
    """

    name: str
    has_user_agents: bool

    @property
    def notes(self) -> Sequence[str]: ...

    def parse(self, line: str) -> LoggedRequest | None:
        """Return the request of a line; None for a comment.

        Raises OtherFormat or ValueError with the reason.
        """
        ...


FormatFactory = Callable[[Sequence[str], FormatOptions], LogFormat]
"""Takes the first lines of a file. Raises OtherFormat, or ValueError with the
reason, if they cannot be in the format."""


def match_unescaped(
    line: str, expressions: Sequence[re.Pattern[str]], *, max_quotes: int
) -> re.Match[str] | None:
    """Match a line whose server did not escape quotes.

    `expressions` are those of the shortest and of the longest possible fields. Returns None if they
    do not match, or if the line is too long to search; raises ValueError if they differ: where a
    field ends is then unknown.
    """
    if not expressions or len(line) > _MAX_UNESCAPED_LINE or line.count('"') > max_quotes:
        return None
    shortest, longest = (expression.fullmatch(line) for expression in expressions)
    if shortest is None or longest is None:
        return None
    if shortest.groups() != longest.groups():
        raise ValueError(f"ambiguous fields, with quotes in quotes: {line[:EXCERPT_LENGTH]!r}")
    return shortest


def method_note(known: bool) -> list[str]:
    return [] if known else ["the lines have no method; every request was read as a GET"]


def zone_note(assumed_utc: bool) -> list[str]:
    if not assumed_utc:
        return []
    return ["times without a time zone were read as UTC; if they are not, pass --time-zone"]
