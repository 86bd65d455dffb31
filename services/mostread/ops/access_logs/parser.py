"""Access log parser for the common and the combined format.

nginx and Apache write them alike: address, two names, time, request, status, bytes; the combined
format adds referrer and user agent. A virtual host may precede the address, and any fields that
the server was configured to add may follow.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(
    r"(.+?) \[(\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d):\d\d ([+-]\d{4})\] "
    rf"{_QUOTED} (\d{{3}}) (?:\d+|-)(?: {_QUOTED} {_QUOTED})?( .*)?"
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_ESCAPED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_EXCERPT_LENGTH = 80


class LoggedRequest(NamedTuple):
    """One request of a log. `minute` is minutes since the epoch.

    `user_agent` is None in the common format, and empty where the client sent none.
    """

    host: str
    address: str
    minute: int
    method: str
    target: str
    status: str
    user_agent: str | None
    rest: str


def parse_line(line: str) -> LoggedRequest:
    """Return the request of a line. Raises ValueError with the reason where it has none."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"not in the common or combined format: {line[:_EXCERPT_LENGTH]!r}")
    prefix, time, zone, request_line, status, _, agent, rest = match.groups()
    host, address = _parse_prefix(prefix)
    method, target = _parse_request_line(request_line)
    return LoggedRequest(
        host,
        address,
        _parse_minute(time, zone),
        method,
        target,
        status,
        "" if agent == "-" else agent,
        rest or "",
    )


def _parse_prefix(prefix: str) -> tuple[str, str]:
    """Return virtual host and address.

    The name after the address (identd) is almost always "-"; the last, the user's, may contain
    spaces.
    """
    words = prefix.split(" ")
    if len(words) > 3 and words[1] != "-":
        host, _, port = words[0].rpartition(":")
        return host if port.isdecimal() else words[0], words[1]
    if len(words) < 3:
        raise ValueError(f"not in the common or combined format: {prefix[:_EXCERPT_LENGTH]!r}")
    return "", words[0]


def _parse_request_line(request_line: str) -> tuple[str, str]:
    """Return method and target, which is the path with its query."""
    method, _, target = request_line.partition(" ")
    target = target.rpartition(" HTTP/")[0] or target
    if "\\" in target:
        target = _unescape(target)
    if not target.startswith("/") and "://" in target:
        parts = urlsplit(target)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return method, target


def _unescape(target: str) -> str:
    """Undo the server's escapes of quotes, backslashes and non-ASCII bytes."""
    raw = target.encode("utf-8", "surrogateescape").decode("latin-1")
    plain = _ESCAPED.sub(lambda escape: escape[2] or chr(int(escape[1], 16)), raw)
    return plain.encode("latin-1").decode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)
def _parse_minute(time: str, zone: str) -> int:
    """Return minutes since the epoch for a time like 10/Oct/2026:13:55 in a zone like +0500."""
    try:
        local = datetime(
            int(time[7:11]),
            _MONTHS.index(time[3:6]) + 1,
            int(time[:2]),
            int(time[12:14]),
            int(time[15:17]),
            tzinfo=UTC,
        )
    except ValueError as error:
        raise ValueError(f"{time} is not a valid time") from error
    offset = int(zone[:3]) * 60 + int(zone[0] + zone[3:])
    minute = int(local.timestamp()) // 60 - offset
    if minute < 0:
        raise ValueError(f"{time} is before 1970")
    return minute
