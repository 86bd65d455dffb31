"""A line of an access log, in the common or the combined format.

nginx and Apache write them alike: address, two names, time, request, status, bytes; in the
combined format the referring page and the user agent too. Before it the name of a virtual host
may stand, and behind it whatever the server was told to add.
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
_BEGINNING = 80


class Request(NamedTuple):
    """What a line says. `minute` counts from the epoch; `agent` is None in the common format."""

    host: str
    address: str
    minute: int
    method: str
    target: str
    status: str
    agent: str | None
    rest: str


def parse(line: str) -> Request:
    """Return what a line says. Raises ValueError, which says what is wrong with it."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"not in the common or combined format: {line[:_BEGINNING]!r}")
    before, time, zone, request, status, _, agent, rest = found.groups()
    host, address = _who(before)
    method, target = _asked(request)
    return Request(host, address, _minute(time, zone), method, target, status, agent, rest or "")


def _who(before: str) -> tuple[str, str]:
    """Return virtual host and address. The second of the names is nearly always unknown, "-";
    the last, the user's, may hold spaces.
    """
    words = before.split(" ")
    if len(words) > 3 and words[1] != "-":
        host, _, port = words[0].rpartition(":")
        return host if port.isdecimal() else words[0], words[1]
    if len(words) < 3:
        raise ValueError(f"not in the common or combined format: {before[:_BEGINNING]!r}")
    return "", words[0]


def _asked(request: str) -> tuple[str, str]:
    """Return method and target: the path with its query."""
    method, _, target = request.partition(" ")
    target = target.rpartition(" HTTP/")[0] or target
    if "\\" in target:
        target = _unescaped(target)
    if not target.startswith("/") and "://" in target:
        parts = urlsplit(target)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return method, target


def _unescaped(target: str) -> str:
    """Undo what the server did to quotes, backslashes and bytes that are no ASCII."""
    raw = target.encode("utf-8", "surrogateescape").decode("latin-1")
    plain = _ESCAPED.sub(lambda found: found[2] or chr(int(found[1], 16)), raw)
    return plain.encode("latin-1").decode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)
def _minute(time: str, zone: str) -> int:
    """Return the minute since the epoch of a time like 10/Oct/2026:13:55 in a zone like +0500."""
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
        raise ValueError(f"{time} is no time") from error
    ahead = int(zone[:3]) * 60 + int(zone[0] + zone[3:])
    minute = int(local.timestamp()) // 60 - ahead
    if minute < 0:
        raise ValueError(f"{time} lies before 1970")
    return minute
