"""HAProxy's HTTP log format, `option httplog` and `option httpslog`.

The user agent is known only if the configuration captures it:
`http-request capture req.hdr(User-Agent) len 256`.
"""

import re
from collections import Counter
from collections.abc import Sequence

from mostread.ops.access_logs.clients import address_notes
from mostread.ops.access_logs.formats.log_format import FormatOptions, OtherFormat, zone_note
from mostread.ops.access_logs.request import (
    EXCERPT_LENGTH,
    LoggedRequest,
    normalize_host,
    split_request_line,
    split_target,
)
from mostread.ops.access_logs.times import TimeParser

_LINE = re.compile(
    r"(\S+):\d+ \[([^\]]+)\] \S+ \S+ [-+\d/]+ (-?\d+) \+?\d+ \S+ \S+ \S{4} [\d/+]+ [\d/]+ "
    r'(?:\{(.*?)\} (?:\{.*?\} )?)?"(.*)"( [^"]*)?'
)
_USER_AGENT = re.compile(r"Mozilla/|[A-Za-z][\w.-]*/\d")
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?")


class HAProxyFormat:
    """HTTP log lines; captured request headers are identified by their content."""

    name = "haproxy"

    def __init__(self, sample: Sequence[str], options: FormatOptions) -> None:
        self._agent = _usual_column(sample, _USER_AGENT)
        self._host = _usual_column(sample, _HOST)
        self.has_user_agents = self._agent is not None
        self._clients = options.clients
        self._times = TimeParser(options.zone)
        self._client: int | None = None
        self._address_notes: list[str] = []
        if options.client_from is not None:
            if not options.client_from.isdecimal():
                raise ValueError(
                    "captured headers of the haproxy format have no names; pass their number, as "
                    "in --client-from 1"
                )
            self._client = int(options.client_from) - 1
        else:
            columns: dict[str, list[tuple[str, str]]] = {}
            for match in filter(None, map(_LINE.fullmatch, sample)):
                for number, value in enumerate((match[4] or "").split("|"), 1):
                    columns.setdefault(f"captured header {number}", []).append((match[1], value))
            self._address_notes = address_notes(columns, "pass its number to --client-from")

    @property
    def notes(self) -> Sequence[str]:
        return [*self._address_notes, *zone_note(self._times.assumed_utc)]

    def parse(self, line: str) -> LoggedRequest:
        match = _LINE.fullmatch(line)
        if match is None:
            raise OtherFormat(f"not in the haproxy format: {line[:EXCERPT_LENGTH]!r}")
        address, time, status, captured, request_line, _ = match.groups()
        headers = (captured or "").split("|")
        chosen = "" if self._client is None else _column(headers, self._client)
        method, target = split_request_line(request_line)
        host, target = split_target(target)
        return LoggedRequest(
            host or normalize_host("" if self._host is None else _column(headers, self._host)),
            self._clients.network(address, chosen),
            self._times.minute(time),
            method,
            target,
            status,
            None if self._agent is None else _column(headers, self._agent),
            is_prefetch=False,
        )


def _column(headers: Sequence[str], index: int) -> str:
    return headers[index] if index < len(headers) else ""


def _usual_column(sample: Sequence[str], content: re.Pattern[str]) -> int | None:
    """Return the captured header that most often has this content."""
    columns = Counter(
        index
        for match in map(_LINE.fullmatch, sample)
        if match and match[4]
        for index, value in enumerate(match[4].split("|"))
        if content.fullmatch(value) or (content is _USER_AGENT and content.match(value))
    )
    return columns.most_common(1)[0][0] if columns else None
