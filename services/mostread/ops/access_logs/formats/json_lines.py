"""JSON objects, one per line: nginx, Caddy, Traefik, Envoy, load balancers and CDNs.

Keys are found by their usual names in any nesting and spelling: `request_uri`, `requestUri`,
`request.uri`.
"""

import json
import re
from collections.abc import Iterator, Sequence

import orjson

from mostread.ops.access_logs.clients import address_notes, is_address_list
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
    split_request_line,
    split_target,
)
from mostread.ops.access_logs.times import TimeParser

_NAMES = {
    "client": """clientip remoteip ip remoteaddr clienthost clientaddr sourceip sourceaddress
        clientaddress remotehost remoteaddress client remote cip httpxrealip realip xrealip
        downstreamremoteaddress httpxforwardedfor xforwardedfor forwardedfor forwarded""",
    "time": """timeiso8601 timelocal msec startutc startlocal starttime edgestarttimestamp
        requesttime timestamp time datetime date ts eventtime requesttimestamp @timestamp
        timestampms t""",
    "clock": "time",
    "request": "request requestline httprequest httprequestline firstline message",
    "method": """requestmethod httprequestmethod method httpmethod verb csmethod clientrequestmethod
        requesttype""",
    "path": """requesturi requestpath urloriginal uri url requesturl path clientrequesturi
        originalpath csuristem csuri original urlpath target uripath rawpath
        request""",
    "query": "args querystring query urlquery csuriquery rawquery uriquery requestquery",
    "status": """status statuscode responsestatus downstreamstatus httpstatus httpstatuscode
        responsecode response code scstatus edgeresponsestatus responsestatuscode
        httpresponsestatuscode""",
    "agent": """httpuseragent useragent useragentoriginal agent requestuseragent
        clientrequestuseragent csuseragent ua""",
    "host": """httphost vhost virtualhost requesthost host servername clientrequesthost authority
        urldomain domain xhostheader cshost hostname""",
    "purpose": """secpurpose httpsecpurpose requestsecpurpose cssecpurpose purpose httppurpose
        requestpurpose cspurpose xpurpose httpxpurpose requestxpurpose csxpurpose xmoz httpxmoz
        requestxmoz csxmoz""",
}
"""Keys without case and punctuation, the most specific first."""

_CONTAINERS = ("request", "req", "http", "httprequest", "properties", "headers", "requestheaders",
               "response", "res", "url", "source", "client", "network", "useragent",
               "jsonpayload", "log", "data", "event", "attributes", "fields")  # fmt: skip
"""Objects whose keys are looked at; those of a response's headers, for example, are not."""

_OF_SERVER = re.compile("server|service|origin|upstream|local|dest|edge")
"""Keys with addresses that are never the reader's."""

_NOTED_RECORDS = 100
_ADDRESS = re.compile(r"/|\w+://")
_STATUS = re.compile(r"\d{3}\b")
_METHOD = re.compile(r"[A-Z]{3,10} \S")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d")
_INVALID_ESCAPE = re.compile(r"(\\\\)|\\x([0-9A-Fa-f]{2})")
Path = tuple[str, ...]


class JsonFormat:
    """JSON lines with the keys that the first lines of the file have."""

    def __init__(self, sample: Sequence[str], options: FormatOptions) -> None:
        """Raises ValueError if the keys say too little."""
        self._times = TimeParser(options.zone)
        self._clients = options.clients
        records = [record for record in map(_load_or_none, sample) if record is not None]
        if not records:
            raise OtherFormat("no JSON")
        paths: dict[Path, object] = {}
        for record in records:
            for path, value in _walk(record):
                if value not in (None, "") or path not in paths:
                    paths.setdefault(path, value)
                    if paths[path] in (None, ""):
                        paths[path] = value
        self._paths = {role: _usable(names.split(), paths) for role, names in _NAMES.items()}
        self._paths["time"] = [
            path for path in self._paths["time"] if self._is_time(_text(paths[path]))
        ]
        self._paths["request"] = [
            path for path in self._paths["request"] if _METHOD.match(_text(paths[path]))
        ]
        self._paths["status"] = [
            path for path in self._paths["status"] if _STATUS.match(_text(paths[path]))
        ]
        self._paths["path"] = [
            path for path in self._paths["path"] if _ADDRESS.match(_text(paths[path]))
        ]
        clients = [path for path in self._paths["client"] if is_address_list(_text(paths[path]))]
        self._paths["client"] = clients or self._paths["client"]
        self._forwarded = None
        if options.client_from is not None:
            self._forwarded = self._chosen(options.client_from, paths)
        missing = [role for role in ("client", "time", "status") if not self._paths[role]]
        if not self._paths["request"] and not self._paths["path"]:
            missing.append("request")
        if missing:
            keys = ", ".join(sorted(".".join(path) for path in paths))
            raise ValueError(
                f"JSON without {' and '.join(missing)} (keys: {keys[:300]}); name the fields with "
                "--format"
            )
        self.name = "JSON" + _server(paths)
        self._notes = method_note(bool(self._paths["request"] or self._paths["method"]))
        if self._forwarded is None:
            columns = {
                ".".join(path): [
                    (self._get(record, "client"), _text(_lookup(record, path)))
                    for record in records[:_NOTED_RECORDS]
                ]
                for path in paths
                if not _OF_SERVER.search(_plain(path[-1]))
            }
            self._notes += address_notes(columns, "pass --client-from {}")
        self._is_cloudfront = ("x-edge-location",) in paths
        self.has_user_agents = bool(self._paths["agent"])

    @property
    def notes(self) -> Sequence[str]:
        return [*self._notes, *zone_note(self._times.assumed_utc)]

    def parse(self, line: str) -> LoggedRequest:
        record = _load(line)
        request_line = self._get(record, "request")
        if _METHOD.match(request_line):
            method, target = split_request_line(request_line)
        else:
            method, target = self._get(record, "method") or "GET", self._get(record, "path")
            query = self._get(record, "query").removeprefix("?")
            if query not in ("", "-") and "?" not in target:
                target += f"?{query}"
        if self._is_cloudfront:
            target = decode_target(target)
        if not target:
            raise ValueError(f"no request: {line[:EXCERPT_LENGTH]!r}")
        host, target = split_target(target)
        chosen = "" if self._forwarded is None else _text(_lookup(record, self._forwarded))
        agent = self._get(record, "agent").strip('"') if self.has_user_agents else None
        if agent:
            agent = decode_agent(agent, is_encoded=self._is_cloudfront)
        return LoggedRequest(
            host or normalize_host(self._get(record, "host")),
            self._clients.network(self._get(record, "client"), chosen),
            self._minute(record),
            method,
            target,
            self._get(record, "status")[:3],
            "" if agent == "-" else agent,
            any(says_prefetch(_text(_lookup(record, path))) for path in self._paths["purpose"]),
        )

    def _get(self, record: dict[str, object], role: str) -> str:
        for path in self._paths[role]:
            if (text := _text(_lookup(record, path))) not in ("", "-"):
                return text
        return ""

    def _minute(self, record: dict[str, object]) -> int:
        text = _in_brackets(self._get(record, "time"))
        if _DATE.fullmatch(text):
            text = f"{text}T{self._get(record, 'clock')}Z"
        return self._times.minute(text)

    def _is_time(self, text: str) -> bool:
        text = _in_brackets(text)
        if _DATE.fullmatch(text) or _CLOCK.fullmatch(text):
            return _DATE.fullmatch(text) is not None and bool(self._paths["clock"])
        try:
            TimeParser(None).minute(text)
        except ValueError:
            return False
        return True

    def _chosen(self, client_from: str, paths: dict[Path, object]) -> Path:
        wanted = [
            _plain(client_from),
            "http" + _plain(client_from),
            "request" + _plain(client_from),
        ]
        for path in paths:
            if ".".join(path) == client_from or _plain("".join(path)) in wanted:
                return path
        for path in paths:
            if _plain(path[-1]) in wanted:
                return path
        raise ValueError(f"no key {client_from!r} for --client-from")


def _load(line: str) -> dict[str, object]:
    """Return the object of a line, also with the invalid escapes and bytes that nginx writes."""
    text = line.strip().removesuffix(",")
    try:
        record = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        try:
            record = json.loads(_fix_escapes(text), strict=False)
        except (ValueError, RecursionError) as error:
            raise OtherFormat(f"invalid JSON: {line[:EXCERPT_LENGTH]!r}") from error
    if not isinstance(record, dict):
        raise OtherFormat(f"not a JSON object: {line[:EXCERPT_LENGTH]!r}")
    return record


def _load_or_none(line: str) -> dict[str, object] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        return _load(line)
    except ValueError:
        return None


def _fix_escapes(text: str) -> str:
    r"""Replace `\x22`, as nginx writes without `escape=json`, by what it means."""
    raw = text.encode("utf-8", "surrogateescape").decode("latin-1")

    def replaced(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        byte = int(match[2], 16)
        return chr(byte) if byte >= 0x80 else f"\\u{byte:04x}"

    plain = _INVALID_ESCAPE.sub(replaced, raw)
    return plain.encode("latin-1").decode("utf-8", "surrogateescape")


def _walk(record: dict[str, object], parents: Path = ()) -> Iterator[tuple[Path, object]]:
    for key, value in record.items():
        if isinstance(value, dict):
            if len(parents) < 4 and _plain(key) in _CONTAINERS:
                yield from _walk(value, (*parents, key))
        else:
            yield (*parents, key), value


def _usable(names: Sequence[str], paths: dict[Path, object]) -> list[Path]:
    """Return the paths with one of these names, in order of the names, then of nesting."""
    usable: dict[Path, None] = {}
    for name in names:
        for path in sorted(paths, key=len):
            if name in (_plain(path[-1]), _plain("".join(path)), _plain("".join(path[-2:]))):
                usable[path] = None
    return list(usable)


def _lookup(record: object, path: Path) -> object:
    for key in path:
        if not isinstance(record, dict):
            return None
        record = record.get(key)
    return record


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return "" if value is None or isinstance(value, dict) else str(value)


def _in_brackets(time: str) -> str:
    """Return a time without the brackets that Apache's %t writes."""
    return time.removeprefix("[").removesuffix("]")


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9@]", "", key.lower())


def _server(paths: dict[Path, object]) -> str:
    if any(path[:1] == ("request",) and path[-1:] == ("uri",) for path in paths):
        return " (Caddy)"
    return " (Traefik)" if ("RequestPath",) in paths else ""
