"""Formats described by the text of an nginx log_format or of an Apache LogFormat directive."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mostread.ops.access_logs.formats.log_format import (
    FormatFactory,
    FormatOptions,
    OtherFormat,
    match_unescaped,
    zone_note,
)
from mostread.ops.access_logs.request import (
    EXCERPT_LENGTH,
    LoggedRequest,
    normalize_host,
    says_prefetch,
    split_request_line,
    split_target,
    unescape,
)
from mostread.ops.access_logs.times import TimeParser

_ROLES = {
    "client": ("remote_addr", "proxy_protocol_addr", "http_x_forwarded_for", "http_x_real_ip",
               "http_cf_connecting_ip", "http_true_client_ip"),
    "time": ("time_local", "time_iso8601", "msec"),
    "request": ("request",),
    "method": ("request_method",),
    "path": ("request_uri", "url", "uri", "document_uri"),
    "query": ("query", "args", "query_string"),
    "status": ("status",),
    "agent": ("http_user_agent",),
    "host": ("host", "http_host", "server_name"),
    "purpose": ("http_sec_purpose", "http_purpose", "http_x_purpose", "http_x_moz"),
}  # fmt: skip
"""Fields by their use; of several, the first."""

_APACHE_FIELDS = {
    "h": "remote_addr", "a": "remote_addr", "t": "time_local", "r": "request", "U": "uri",
    "m": "request_method", "q": "query", "s": "status", "V": "host", "v": "server_name",
}  # fmt: skip
_STRPTIME = {"%T": "%H:%M:%S", "%R": "%H:%M", "%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%e": "%d"}

_NGINX_FIELD = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_APACHE_FIELD = re.compile(r"%[!0-9,<>]*(?:\{([^}]*)\})?(\^[A-Z]{2}|[A-Za-z%])")
_DIRECTIVE = re.compile(r"\s*(?:log_format|LogFormat|CustomLog)\s")
_DIRECTIVE_TEXT = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
_MAX_QUOTES = 8
"""Limit of the search for the ends of fields that contain quotes, besides the template's own."""

_QUOTED = r'[^"\\]*(?:\\.[^"\\]*)*'
_WORD = r"[^\s,]*(?:,\s?[^\s,]+)*"
"""An unquoted field; the addresses of several hops have a comma and a blank between them."""


_ADDRESSES = r"[^\s\"|,]*(?:,\s?[^\s\"|,]+)*"


@dataclass(frozen=True)
class _Field:
    name: str
    strftime: str = ""


_Piece = _Field | str


def factory(name: str, text: str) -> FormatFactory:
    """Return the format of a template. Raises ValueError if it lacks a necessary field."""
    pieces = _parse(text)
    fields = {piece.name for piece in pieces if isinstance(piece, _Field)}
    for role, example in (
        ("client", "$remote_addr or %h"),
        ("time", "$time_local or %t"),
        ("status", "$status or %>s"),
    ):
        if not fields.intersection(_ROLES[role]):
            raise ValueError(f"the format {name} has no {role}; add {example}")
    if not fields.intersection(_ROLES["request"] + _ROLES["path"]):
        raise ValueError(f"the format {name} has no request; add $request or %r")
    return lambda _, options: TemplateFormat(name, pieces, options)


class TemplateFormat:
    """Lines that repeat a template. Without a field for the method, requests count as GET."""

    def __init__(self, name: str, pieces: Sequence[_Piece], options: FormatOptions) -> None:
        self.name = name
        fields = [piece.name for piece in pieces if isinstance(piece, _Field)]
        roles = {
            usable[0]: role
            for role, names in _ROLES.items()
            if (usable := [each for each in names if each in fields])
        }
        if options.client_from is not None:
            roles = {field: role for field, role in roles.items() if role != "client"}
            roles[_chosen_client(options.client_from, fields)] = "client"
            if "remote_addr" in fields:
                roles.setdefault("remote_addr", "peer")
        self.has_user_agents = "agent" in roles.values()
        self._strict = re.compile("".join(_patterns(pieces, roles, "")))
        self._pieces, self._roles = pieces, roles
        self._max_quotes = _MAX_QUOTES + sum(
            each.count('"') for each in pieces if isinstance(each, str)
        )
        self._clients = options.clients
        strftime = [each.strftime for each in pieces if isinstance(each, _Field) and each.strftime]
        self._times = TimeParser(options.zone, *strftime[:1])

    @cached_property
    def _loose(self) -> list[re.Pattern[str]]:
        """The template with the shortest and with the longest quoted fields."""
        return [
            re.compile("".join(_patterns(self._pieces, self._roles, any_text)))
            for any_text in (".*?", ".*")
        ]

    @property
    def notes(self) -> Sequence[str]:
        return zone_note(self._times.assumed_utc)

    def parse(self, line: str) -> LoggedRequest:
        values = self._values(line)
        if "request" in values:
            method, target = split_request_line(values["request"])
        else:
            query = values.get("query", "").removeprefix("?")
            method = values.get("method", "GET")
            target = values["path"] + (f"?{query}" if query not in ("", "-") else "")
        host, target = split_target(target)
        agent = values.get("agent")
        return LoggedRequest(
            host or normalize_host(values.get("host", "")),
            self._clients.network(values["peer"], values["client"])
            if "peer" in values
            else self._clients.network(values["client"]),
            self._times.minute(values["time"]),
            method,
            target,
            values["status"],
            "" if agent == "-" else agent,
            says_prefetch(values.get("purpose", "")),
        )

    def _values(self, line: str) -> dict[str, str]:
        """Return the fields by role."""
        if match := self._strict.fullmatch(line):
            return {role: unescape(value) for role, value in match.groupdict("").items()}
        if match := match_unescaped(line, self._loose, max_quotes=self._max_quotes):
            return match.groupdict("")
        raise OtherFormat(f"not in the {self.name} format: {line[:EXCERPT_LENGTH]!r}")


def _parse(text: str) -> list[_Piece]:
    """Return the fields of a template and the texts between them."""
    if _DIRECTIVE.match(text):
        quoted = [match[1] or match[2] or "" for match in _DIRECTIVE_TEXT.finditer(text)]
        text = "".join(quoted) if "log_format" in text else quoted[-1] if quoted else ""
    text = text.replace(r"\"", '"').replace(r"\'", "'").replace(r"\t", "\t").strip()
    expression = _NGINX_FIELD if _NGINX_FIELD.search(text) else _APACHE_FIELD
    pieces: list[_Piece] = []
    end = 0
    for match in expression.finditer(text):
        pieces.append(text[end : match.start()])
        pieces.extend(
            [_Field(match[1] or match[2])]
            if expression is _NGINX_FIELD
            else _apache(*match.groups())
        )
        end = match.end()
    pieces.append(text[end:])
    return [piece for piece in pieces if piece]


def _apache(argument: str | None, letter: str) -> list[_Piece]:
    """Return what a directive such as `%h`, `%>s` or `%{Referer}i` writes."""
    if letter == "%":
        return ["%"]
    if letter == "t":
        return _apache_time(argument or "")
    if letter == "i":
        return [_Field(field_name(argument or ""))]
    # %{c}a is the address of the peer; %{name}e, %{name}n and others have no use here.
    return [_Field(f"{letter}_{argument}" if argument else _APACHE_FIELDS.get(letter, letter))]


def _apache_time(argument: str) -> list[_Piece]:
    argument = argument.removeprefix("begin:").removeprefix("end:")
    if not argument:
        return ["[", _Field("time_local"), "]"]
    if argument in ("sec", "msec", "usec"):
        return [_Field("msec")]
    if argument in ("msec_frac", "usec_frac"):
        return [_Field("fraction")]
    return [_Field("time_local", _strptime_format(argument))]


def field_name(text: str) -> str:
    """Return the nginx variable of a header, of an Apache field, or of itself."""
    if match := _NGINX_FIELD.fullmatch(text):
        return match[1] or match[2]
    if match := _APACHE_FIELD.fullmatch(text):
        return field_name(match[1]) if match[1] else _APACHE_FIELDS.get(match[2], match[2])
    name = text.lower().replace("-", "_")
    known = {name for names in _ROLES.values() for name in names}
    return name if name in known or name.startswith("http_") else f"http_{name}"


def _chosen_client(client_from: str, fields: Sequence[str]) -> str:
    for name in (client_from, field_name(client_from)):
        if name in fields:
            return name
    raise ValueError(
        f"the format has no field {client_from!r} for --client-from; it has "
        + ", ".join(sorted(set(fields)))
    )


def _patterns(pieces: Sequence[_Piece], roles: dict[str, str], any_text: str) -> Iterator[str]:
    """Yield the parts of a regular expression with a group for each role.

    `any_text` is the pattern of quoted and other fields that may contain any text; if it is
    empty, they end where the server's escapes say.
    """
    grouped: set[str] = set()
    for index, piece in enumerate(pieces):
        if isinstance(piece, str):
            yield re.sub(r"(?:\\ )+", " +", re.escape(piece))
            continue
        before = pieces[index - 1] if index else ""
        after = pieces[index + 1] if index + 1 < len(pieces) else ""
        role = roles.get(piece.name, "")
        if piece.name == "rest":
            yield r"(?:\s.*)?"
            continue
        pattern = _pattern(piece, role, before, after)
        if any_text and pattern == _QUOTED:
            pattern = any_text
        if role and role not in grouped:
            grouped.add(role)
            yield f"(?P<{role}>{pattern})"
        else:
            yield f"(?:{pattern})"
    yield r"\s*"


def _pattern(field: _Field, role: str, before: _Piece, after: _Piece) -> str:
    """Return the pattern of a field between two others, or between two texts."""
    if isinstance(after, _Field):
        # $host$request_uri, $uri$is_args$args, %U%q
        return {"host": r"[^/\s\"]*", "path": r"[^?\s\"]*"}.get(role, r"[^\s\"]*?")
    if after.startswith('"') and isinstance(before, str) and before.endswith('"'):
        return _QUOTED
    if after[:1] not in ("", " "):
        by_role = {"client": _ADDRESSES, "peer": _ADDRESSES, "status": r"\d{3}"}
        return by_role.get(role, f"[^{re.escape(after[0])}]*")
    blanks = field.strftime.count(" ")
    by_role = {
        "status": r"\d{3}",
        "time": rf"\S+(?: \S+){{{blanks}}}" if blanks else r"\S+(?:\s[+-]\d\d:?\d\d)?",
        "agent": _WORD if after else ".*",
        "path": r"\S*",
        "query": r"\S*",
    }
    return by_role.get(role, _WORD)


def _strptime_format(strftime: str) -> str:
    """Return the format for strptime. Raises ValueError if it is only a part of a time."""
    for directive, meaning in _STRPTIME.items():
        strftime = strftime.replace(directive, meaning)
    if "%s" not in strftime and ("%M" not in strftime or not re.search("%d|%j|%c|%x", strftime)):
        raise ValueError(
            f"{strftime!r} is not a whole time; write date and time as one %{{...}}t, as in "
            "%{%Y-%m-%dT%H:%M:%S%z}t"
        )
    return strftime
