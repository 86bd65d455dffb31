"""The common and the combined format of nginx, Apache and most other servers.

    client identity user [time] "request" status size ["referrer" "user agent"] [more fields]

A virtual host, or the addresses of X-Forwarded-For, may precede the client. Gandi adds a duration
after the time, OVH and lighttpd write the virtual host as the identity.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from mostread.ops.access_logs.clients import address_notes, is_address_list
from mostread.ops.access_logs.formats.log_format import (
    LAST_FIELD,
    FormatOptions,
    OtherFormat,
    match_unescaped,
    zone_note,
)
from mostread.ops.access_logs.request import (
    EXCERPT_LENGTH,
    LoggedRequest,
    is_prefetch_field,
    normalize_host,
    split_request_line,
    split_target,
    unescape,
)
from mostread.ops.access_logs.times import TimeParser

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_HEAD = r"(.+?)(?<=\S)\s+\[([^\]\"]{14,40})\]\s+(?:\(\d+ m?s\)\s+)?"
_STATUS_SIZE = r"\s+(\d{3})\s+(?:\d+|-)(?=\s|\Z)"
_COMMON = re.compile(rf"{_HEAD}{_QUOTED}{_STATUS_SIZE}")
_REFERRER_AGENT = re.compile(rf"\s+{_QUOTED}\s+{_QUOTED}(?=\s|\Z)")
_PLAIN_COMBINED = re.compile(rf'{_HEAD}"([^"\\]*)"{_STATUS_SIZE} "[^"\\]*" "([^"\\]*)"')
"""Lines without further fields and escapes: most lines of most logs."""

_FIELDS = re.compile(
    r'(?:\s++(?:"(?:[^"\\]++|\\.)*+"(?=\s|\Z)|[^\s"]++(?:"(?:[^"\\]++|\\.)*+"[^\s"]*+)*+))*+\s*'
)
_FIELD = re.compile(rf'(?<=\s){_QUOTED}|[^\s"]+(?:"[^"]*"[^\s"]*)*')
_COMBINED = -1
_NO_AGENT_AMONG_FIELDS = -2
_MAX_QUOTES = 40
"""Limit of the search for the ends of fields that contain quotes."""

_TOKEN = re.compile(r'"[^"]*"|\S+')
_COMMA = re.compile(" ?, ?")
_HOST = re.compile(r"[\w.-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_USER_AGENT = re.compile(r"[A-Za-z][\w.-]*/\d")
_NO_USER_AGENT = re.compile(r"\w+://|/")


class CommonFormat:
    """The common format, with the user agent in one of the quoted fields that follow, or nowhere.

    The first lines of the file decide which; other lines are malformed.
    """

    def __init__(self, sample: Sequence[str], options: FormatOptions, agent_field: int) -> None:
        """Parse lines with the user agent in a quoted field after the size, counted from 1.

        0 means no user agent, and `_COMBINED` the second of two adjacent fields.
        """
        self._agent_field = agent_field
        self.has_user_agents = agent_field != 0
        self.name = {0: "common", _COMBINED: "combined"}.get(
            agent_field, f"common with the user agent in quoted field {agent_field}"
        )
        if options.client_from not in (None, LAST_FIELD):
            raise ValueError(
                f"the {self.name} format has no field {options.client_from!r}; pass "
                "--client-from last, or describe the lines with --format"
            )
        self._client_from_last = options.client_from == LAST_FIELD
        self._clients = options.clients
        self._times = TimeParser(options.zone)
        parts = [match for match in map(self._split_sample, sample) if match]
        rests = [rest for _, rest in parts]
        self._unescaped = _unescaped_expressions(rests) if agent_field == _COMBINED else ()
        self._split_head = lru_cache(20_000)(_HeadSplitter([head for head, _ in parts]))
        self._address_notes: list[str] = []
        if not self._client_from_last:
            self._address_notes = _last_field_notes(rests) or self._further_address_notes(parts)

    @property
    def notes(self) -> Sequence[str]:
        return [*self._address_notes, *zone_note(self._times.assumed_utc)]

    def parse(self, line: str) -> LoggedRequest:
        head, time, request_line, status, agent, rest = self._fields(line)
        host, addresses = self._split_head(head)
        chosen = _last_quoted(rest) if self._client_from_last else ""
        method, target = split_request_line(request_line)
        target_host, target = split_target(target)
        return LoggedRequest(
            host or target_host,
            self._clients.network(addresses, chosen),
            self._times.minute(time),
            method,
            target,
            status,
            agent,
            "pre" in rest.lower()
            and any(is_prefetch_field(match[0]) for match in _FIELD.finditer(rest)),
        )

    def _fields(self, line: str) -> tuple[str, str, str, str, str | None, str]:
        """Return head, time, request line, status, user agent and the fields after it."""
        if self._agent_field == _COMBINED and (match := _PLAIN_COMBINED.fullmatch(line)):
            head, time, request_line, status, agent = match.groups()
            return head, time, request_line, status, "" if agent == "-" else agent, ""
        match = _COMMON.match(line)
        if match is None:
            return self._fields_with_quotes(line)
        head, time, request_line, status = match.groups()
        agent, end = None, match.end()
        if self._agent_field == _COMBINED and (last := _REFERRER_AGENT.match(line, end)):
            agent, end = last[2], last.end()
        rest = line[end:]
        if rest and not _FIELDS.fullmatch(rest):
            return self._fields_with_quotes(line)
        if self._agent_field and agent is None:
            quoted = [match for match in _FIELD.finditer(rest) if match[1] is not None]
            if not 0 < self._agent_field <= len(quoted):
                raise ValueError(
                    f"no user agent, which other lines of the file have: {line[:EXCERPT_LENGTH]!r}"
                )
            agent = quoted[self._agent_field - 1][1]
            rest = rest[quoted[self._agent_field - 1].end() :]
        elif not self._agent_field and _REFERRER_AGENT.match(rest):
            raise ValueError(
                f"more fields than other lines of the file have: {line[:EXCERPT_LENGTH]!r}"
            )
        if agent is not None:
            agent = "" if agent == "-" else unescape(agent)
        return head, time, unescape(request_line), status, agent, rest

    def _fields_with_quotes(self, line: str) -> tuple[str, str, str, str, str | None, str]:
        """Return the fields of a line whose server did not escape quotes."""
        match = match_unescaped(line, self._unescaped, max_quotes=_MAX_QUOTES)
        if match is None:
            raise OtherFormat(f"not in the {self.name} format: {line[:EXCERPT_LENGTH]!r}")
        head, time, request_line, status, agent, rest = match.groups()
        return head, time, request_line, status, "" if agent == "-" else agent, rest

    def _further_address_notes(self, parts: Sequence[tuple[str, str]]) -> list[str]:
        """Point out addresses in the user field, or in those after the size or the user agent."""
        columns: dict[str, list[tuple[str, str]]] = {}
        for head, rest in parts:
            try:
                _, client = self._split_head(head)
            except ValueError:
                continue
            columns.setdefault("the user field", []).append((client, _tokens(head)[-1]))
            for number, match in enumerate(_FIELD.finditer(rest), 1):
                field = match[0].rpartition("=")[2].strip('",')
                columns.setdefault(f"further field {number}", []).append((client, field))
        return address_notes(columns, "describe the lines with --format and pass --client-from")

    def _split_sample(self, line: str) -> tuple[str, str] | None:
        """Return head and the fields after the user agent of a well-formed line."""
        match = _COMMON.match(line)
        if match is None:
            return None
        end = match.end()
        if self._agent_field == _COMBINED:
            last = _REFERRER_AGENT.match(line, end)
            if last is None:
                return None
            end = last.end()
        return (match[1], line[end:]) if _FIELDS.fullmatch(line[end:]) else None


def common(sample: Sequence[str], options: FormatOptions) -> CommonFormat:
    """Return the common format, without user agents."""
    return CommonFormat(sample, options, 0)


def combined(sample: Sequence[str], options: FormatOptions) -> CommonFormat:
    """Return the combined format."""
    return CommonFormat(sample, options, _COMBINED)


def detect(sample: Sequence[str], options: FormatOptions) -> CommonFormat:
    """Return the format of most lines, by the content of their quoted fields."""
    rests = []
    for line in sample:
        match = _COMMON.match(line)
        if match and _FIELDS.fullmatch(line, match.end()):
            rests.append(line[match.end() :])
    if not rests:
        return combined(sample, options)
    browsers = Counter(
        column
        for rest in rests
        for column, field in enumerate(_quoted_fields(rest), 1)
        if field.startswith("Mozilla/")
    )
    column = browsers.most_common(1)[0][0] if browsers else None
    (usual, _), *_ = Counter(_agent_field(rest, column) for rest in rests).most_common(1)
    if usual == _NO_AGENT_AMONG_FIELDS:
        raise ValueError("the quoted fields after the size contain no user agent")
    return CommonFormat(sample, options, usual)


def _agent_field(rest: str, column: int | None) -> int:
    """Return which quoted field is the user agent, as in `CommonFormat`.

    `column` is the one with the browsers of the file, if any.
    """
    pair = _REFERRER_AGENT.match(rest)
    if column is not None:
        if column == 2 and pair:
            return _COMBINED
        return column if column <= len(_quoted_fields(rest)) else 0
    if pair:
        referrer, agent = pair.groups()
        swapped = _USER_AGENT.match(referrer) and not _USER_AGENT.match(agent)
        if not (swapped or _NO_USER_AGENT.match(agent) or is_address_list(agent)):
            return _COMBINED
    return _NO_AGENT_AMONG_FIELDS if pair else 0


def _quoted_fields(rest: str) -> list[str]:
    return [match[1] for match in _FIELD.finditer(rest) if match[1] is not None]


def _last_quoted(rest: str) -> str:
    quoted = _quoted_fields(rest)
    if not quoted:
        raise ValueError(f"no quoted field after the user agent: {rest[:EXCERPT_LENGTH]!r}")
    return quoted[-1]


def _last_field_notes(rests: Sequence[str]) -> list[str]:
    """Point out that the last quoted field contains addresses, as in nginx's example `main`."""
    last = [quoted[-1] for quoted in map(_quoted_fields, rests) if quoted]
    lists = [field for field in last if is_address_list(field)]
    if len(lists) * 2 <= len(last):
        return []
    return [
        f"the last field contains addresses, such as {lists[0]}; if they are the readers', "
        "pass --client-from last"
    ]


def _unescaped_expressions(rests: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Return the combined format with the shortest and the longest quoted fields.

    The fields after the user agent are of the same kinds as in most lines.
    """
    kinds = Counter(
        "".join("q" if match[1] is not None else "w" for match in _FIELD.finditer(rest))
        for rest in rests
    )
    (usual, _), *_ = kinds.most_common(1) or [("", 0)]
    rest = "".join(r'\s+"[^"]*"' if kind == "q" else r"\s+[^\s\"]+" for kind in usual)
    return tuple(
        re.compile(
            rf'{_HEAD}"({any_text})"{_STATUS_SIZE}\s+"{any_text}"\s+"({any_text})"({rest})\s*'
        )
        for any_text in (".*?", ".*")
    )


class _HeadSplitter:
    """Split the fields before the time into the virtual host and the client's addresses."""

    def __init__(self, heads: Sequence[str]) -> None:
        """Decide by `heads` whether the first of two addresses is a virtual host or a client.

        Readers vary more than virtual hosts or proxies do.
        """
        pairs = []
        hosts = 0
        for tokens in map(_tokens, heads):
            if len(tokens) > 3 and tokens[1] != "-":
                if is_address_list(tokens[0]) and is_address_list(tokens[1]):
                    pairs.append(tokens[:2])
                elif tokens[0].strip('"') != "-":
                    hosts += 1
        firsts, seconds = (len({pair[side] for pair in pairs}) for side in (0, 1))
        self._host_first = hosts > len(pairs) or seconds > firsts

    def __call__(self, head: str) -> tuple[str, str]:
        if head.count('"') % 2:
            raise OtherFormat(f"a quote is open before the time: {head[:EXCERPT_LENGTH]!r}")
        tokens = _tokens(head)
        host = ""
        if len(tokens) > 3 and tokens[1] != "-" and self._is_host(*tokens[:2]):
            host, tokens = tokens[0], tokens[1:]
        if len(tokens) < 3:
            raise ValueError(f"no client, identity and user before the time: {head[:80]!r}")
        first, second, *others = tokens
        if len(tokens) == 3:
            if not host and _DOTTED.fullmatch(second):
                host = second
        elif is_address_list(second) and not is_address_list(others[0]):
            first = f"{first},{second}"
        elif (second == "-" == others[0] == others[-1] and not is_address_list(first)) or (
            second != "-" and not is_address_list(first)
        ):
            raise ValueError(f"no client address: {head[:EXCERPT_LENGTH]!r}")
        return normalize_host(host), first.replace('"', "")

    def _is_host(self, first: str, second: str) -> bool:
        if is_address_list(first) and not first.startswith("["):
            return self._host_first and is_address_list(second)
        if first.strip('"') == "-" or not _HOST.fullmatch(first):
            return False
        return is_address_list(second) or _DOTTED.fullmatch(second) is not None


def _tokens(head: str) -> list[str]:
    return _TOKEN.findall(_COMMA.sub(",", head))
