"""Requests of access logs, and the parts of a line that several formats share."""

import re
from typing import NamedTuple
from urllib.parse import unquote

EXCERPT_LENGTH = 80

_ESCAPED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_CONTROL_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_ABSOLUTE = re.compile(
    r"(?i:https?|wss?)://(?:[^/?#@]*@)?(?P<host>[\w.~%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?(?=[/?#]|\Z)"
)
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:\s]*)(?::\d+)?")
_PURPOSE = r"(?:prefetch|preview|prerender)(?:[;,]\s?[\w-]+)*"
_PREFETCH = re.compile(rf"(?:^|[\s\",]){_PURPOSE}(?=[\s\",]|\Z)", re.IGNORECASE)
_PREFETCH_FIELD = re.compile(
    rf"\"?(?:(?:[\w-]*purpose|[\w-]*moz)\"?[:=]\s*\"?)?{_PURPOSE}\"?", re.IGNORECASE
)
_ENCODED = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_ENCODED_PERCENT = re.compile(r"%25(?=[0-9A-Fa-f]{2})")


class LoggedRequest(NamedTuple):
    """One request of a log.

    `network` is the client's IPv4 address or IPv6 /64, or the name that the log has instead.
    `minute` is minutes since the epoch. `target` is path and query. `user_agent` is None in a log
    without user agents, and empty where the client sent none.
    """

    host: str
    network: str
    minute: int
    method: str
    target: str
    status: str
    user_agent: str | None
    is_prefetch: bool


def split_request_line(request_line: str) -> tuple[str, str]:
    """Return method and target of a request line such as `GET /path HTTP/1.1`."""
    method, _, target = request_line.partition(" ")
    return method, target.rpartition(" HTTP/")[0] or target


def split_target(target: str) -> tuple[str, str]:
    """Return the host and the path with query of a request target.

    The host is empty unless the target is a URL. Raises ValueError if its host is not valid.
    """
    if target.startswith("/") or "://" not in target.partition("?")[0]:
        return "", target
    match = _ABSOLUTE.match(target)
    if match is None:
        raise ValueError(f"the address has no valid host: {target[:EXCERPT_LENGTH]!r}")
    path = target[match.end() :]
    return normalize_host(match["host"]), path if path.startswith("/") else f"/{path}"


def normalize_host(text: str) -> str:
    """Return a virtual host in lower case, without a port; empty for `-`."""
    match = _HOST.fullmatch(text)
    host = (match["host"] if match else text).lower().removesuffix(".")
    return "" if host == "-" else host


def unescape(text: str) -> str:
    """Undo a server's escapes of quotes, backslashes, controls and non-ASCII bytes."""
    if "\\" not in text:
        return text
    # Bytes become characters below U+0100, so that escaped and plain bytes form one character.
    raw = text.encode("utf-8", "surrogateescape").decode("latin-1")
    plain = _ESCAPED.sub(_unescaped, raw)
    return plain.encode("latin-1").decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[str]) -> str:
    byte, code_point, character = match.groups()
    if byte:
        return chr(int(byte, 16))
    if code_point:
        return chr(int(code_point, 16)).encode("utf-8", "replace").decode("latin-1")
    return _CONTROL_ESCAPES.get(character, character)


def decode_target(text: str) -> str:
    """Undo what CloudFront encodes once more than the client did."""
    return _ENCODED_PERCENT.sub("%", text)


def decode_agent(text: str, *, is_encoded: bool) -> str:
    """Undo the percent-encoding of a user agent, once or twice, if it `is_encoded` or looks so."""
    if is_encoded or ("%20" in text and " " not in text):
        return unquote(_ENCODED.sub(r"%\1", text), errors="surrogateescape")
    return text


def says_prefetch(fields: str) -> bool:
    """Return whether a field is the value of Sec-Purpose, Purpose, X-Purpose or X-Moz."""
    return "pre" in fields.lower() and _PREFETCH.search(fields) is not None


def is_prefetch_field(field: str) -> bool:
    """Return whether a field of any header is nothing but such a value, or `purpose=` with one."""
    return _PREFETCH_FIELD.fullmatch(field) is not None
