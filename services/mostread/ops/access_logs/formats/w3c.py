"""The W3C extended log file format: IIS, CloudFront and other servers with a #Fields line."""

import re
from collections.abc import Sequence

from mostread.ops.access_logs.clients import address_notes
from mostread.ops.access_logs.formats.log_format import (
    FormatOptions,
    OtherFormat,
    method_note,
    zone_note,
)
from mostread.ops.access_logs.request import (
    EXCERPT_LENGTH,
    LoggedRequest,
    decode_agent,
    decode_target,
    normalize_host,
    says_prefetch,
    split_target,
)
from mostread.ops.access_logs.times import TimeParser

_FIELDS = "#fields:"
_NAMES = {
    "client": ("c-ip", "x-client-ip", "c-dns", "cs(x-forwarded-for)", "x-forwarded-for"),
    "date": ("date", "date-local"),
    "time": ("time", "time-local"),
    "epoch": ("timestamp", "timestamp(ms)", "cs-start"),
    "method": ("cs-method",),
    "path": ("cs-uri-stem", "cs-uri"),
    "query": ("cs-uri-query",),
    "status": ("sc-status", "c-status"),
    "agent": ("cs(user-agent)", "c-user-agent"),
    "host": ("x-host-header", "cs-host", "cs(host)", "s-computername"),
    "purpose": (
        *("cs(sec-purpose)", "cs(purpose)", "cs(x-purpose)", "cs(x-moz)"),
        *("sec-purpose", "purpose", "x-purpose", "x-moz"),
    ),
}
_ADDRESSES = ("client", "forwarded")
_VALUE = re.compile(r'"((?:[^"]|"")*)"(?=\s|\Z)|(\S+)')


class W3CFormat:
    """Lines with the fields of the #Fields line before them."""

    def __init__(self, sample: Sequence[str], options: FormatOptions) -> None:
        self._clients = options.clients
        self._client_from = options.client_from
        self._local_times = TimeParser(options.zone)
        self._times = TimeParser(None)
        self._roles: dict[str, int] = {}
        self._count = 0
        self.has_user_agents = False
        header = next((line for line in sample if line.lower().startswith(_FIELDS)), None)
        if header is None:
            raise OtherFormat("no #Fields line")
        self._read_fields(header)
        self.name = "CloudFront" if self._is_cloudfront else "W3C"
        self._notes = method_note("method" in self._roles)
        if self._client_from is None:
            names = header[len(_FIELDS) :].split()
            self._notes += address_notes(self._columns(names, sample), "pass --client-from {}")
        self._roles = {}

    @property
    def notes(self) -> Sequence[str]:
        return [*self._notes, *zone_note(self._local_times.assumed_utc)]

    def parse(self, line: str) -> LoggedRequest | None:
        if line.startswith("#"):
            if line.lower().startswith(_FIELDS):
                self._read_fields(line)
            return None
        if not self._roles:
            raise OtherFormat(f"no #Fields line before: {line[:EXCERPT_LENGTH]!r}")
        values = self._values(line)
        get = {role: values[index] for role, index in self._roles.items()}.get
        target, query = self._decoded(get("path", "")), self._decoded(get("query", "-"))
        if query not in ("", "-") and "?" not in target:
            target += f"?{query}"
        if not target.startswith("/") and "://" not in target:  # Incapsula: host/path
            target = f"http://{target}"
        host, target = split_target(target)
        return LoggedRequest(
            host or normalize_host(get("host", "")),
            self._clients.network(*(get(each, "").replace("+", " ") for each in _ADDRESSES)),
            self._minute(get("date"), get("time"), get("epoch")),
            get("method", "GET"),
            target,
            get("status", ""),
            self._agent(get("agent")),
            says_prefetch(get("purpose", "")),
        )

    def _read_fields(self, header: str) -> None:
        fields = header[len(_FIELDS) :].lower().split()
        self._separator = "\t" if "\t" in header.strip()[len(_FIELDS) :].strip() else None
        self._count = len(fields)
        self._is_cloudfront = "x-edge-location" in fields
        self._is_local = "date" not in fields and "date-local" in fields
        self._roles = {
            role: fields.index(name)
            for role, names in _NAMES.items()
            if (name := next((each for each in names if each in fields), ""))
        }
        if self._client_from is not None:
            wanted = self._client_from.lower()
            chosen = next((each for each in (wanted, f"cs({wanted})") if each in fields), None)
            if chosen is None:
                raise ValueError(f"#Fields has no {self._client_from!r} for --client-from")
            self._roles["forwarded"] = fields.index(chosen)
        missing = [role for role in ("client", "path", "status") if role not in self._roles]
        if "time" not in self._roles and "epoch" not in self._roles:
            missing.append("time")
        if missing:
            raise ValueError(f"#Fields has no {' and '.join(missing)}")
        self.has_user_agents = "agent" in self._roles

    def _columns(
        self, names: Sequence[str], sample: Sequence[str]
    ) -> dict[str, list[tuple[str, str]]]:
        """Return the client and the value of each field that is not the server's, by its name."""
        columns: dict[str, list[tuple[str, str]]] = {
            name: [] for name in names if not name.lower().startswith("s-")
        }
        for line in sample:
            if line.startswith("#"):
                continue
            try:
                values = [value.replace("+", " ") for value in self._values(line)]
            except ValueError:
                continue
            for name, value in zip(names, values, strict=True):
                if name in columns:
                    columns[name].append((values[self._roles["client"]], value))
        return columns

    def _values(self, line: str) -> list[str]:
        if "\t" in line and line.count("\t") == self._count - 1:
            values = line.split("\t")
        elif '"' in line:
            values = [
                match[2] if match[1] is None else match[1].replace('""', '"')
                for match in _VALUE.finditer(line)
            ]
        else:
            values = line.split()
        if len(values) != self._count:
            raise ValueError(
                f"{len(values)} fields instead of the {self._count} of #Fields: "
                f"{line[:EXCERPT_LENGTH]!r}"
            )
        return values

    def _minute(self, date: str | None, time: str | None, epoch: str | None) -> int:
        if date and time:
            times = self._local_times if self._is_local else self._times
            return times.minute(f"{date} {time}" + ("" if self._is_local else "Z"))
        return self._times.minute(epoch or time or "")

    def _decoded(self, text: str) -> str:
        return decode_target(text) if self._is_cloudfront else text

    def _agent(self, text: str | None) -> str | None:
        if text is None:
            return None
        if text == "-":
            return ""
        agent = decode_agent(text, is_encoded=self._is_cloudfront)
        if not self._is_cloudfront and "+" in agent and " " not in agent:
            return agent.replace("++", "\0").replace("+", " ").replace("\0", " +")
        return agent
