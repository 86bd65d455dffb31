"""Requests written in the syntax of each format are read back exactly.

The writers follow the documentation of each server, not the parsers.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_network
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mostread.ops.access_logs.request import LoggedRequest
from tests.support.log_formats import detected, read


class Request(NamedTuple):
    """A request as its server knows it."""

    time: datetime
    address: str
    method: str
    path: str
    query: str
    status: int
    agent: str
    referrer: str

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    def logged(self) -> LoggedRequest:
        network = self.address
        if ":" in network:
            network = str(ip_network(f"{network}/64", strict=False))
        return LoggedRequest(
            "news.example",
            network,
            int(self.time.timestamp()) // 60,
            self.method,
            self.target,
            str(self.status),
            self.agent,
            False,
        )


def nginx(text: str) -> str:
    """Escape as nginx does by default: quotes, backslashes and all bytes that are not printable."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}"
        for byte in text.encode()
    )


def apache(text: str) -> str:
    """Escape as Apache does: `\\"`, `\\\\` and bytes in hexadecimal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(
        c if c.isascii() else "".join(f"\\x{b:02x}" for b in c.encode()) for c in escaped
    )


def combined(request: Request, escape: Callable[[str], str], head: str = "") -> str:
    return (
        f"{head}{request.address} - - [{request.time:%d/%b/%Y:%H:%M:%S %z}] "
        f'"{request.method} {escape(request.target)} HTTP/1.1" {request.status} 512 '
        f'"{escape(request.referrer) or "-"}" "{escape(request.agent) or "-"}"'
    )


def iis(request: Request) -> str:
    time = request.time.astimezone(UTC)
    return (
        f"{time:%Y-%m-%d %H:%M:%S} 10.0.0.2 {request.method} {request.path} "
        f"{request.query or '-'} 443 - {request.address} {request.agent.replace(' ', '+') or '-'} "
        f"- news.example {request.status} 0 0 15"
    )


def alb(request: Request) -> str:
    time = request.time.astimezone(UTC)
    return (
        f"h2 {time:%Y-%m-%dT%H:%M:%S.%fZ} app/lb/50dc6 {request.address}:46532 "
        f"10.0.0.66:9000 0.000 0.001 0.000 {request.status} {request.status} 5 257 "
        f'"{request.method} https://news.example:443{nginx(request.target)} HTTP/2.0" '
        f'"{nginx(request.agent) or "-"}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x '
        '"Root=1-58337327" "news.example" "arn" 1'
    )


def caddy(request: Request) -> str:
    return json.dumps(
        {
            "level": "info",
            "ts": request.time.timestamp(),
            "msg": "handled request",
            "request": {
                "remote_ip": request.address,
                "client_ip": request.address,
                "method": request.method,
                "host": "news.example",
                "uri": request.target,
                "headers": {"User-Agent": [request.agent], "Referer": [request.referrer]},
            },
            "status": request.status,
        },
        ensure_ascii=False,
    )


def nginx_json(request: Request) -> str:
    return json.dumps(
        {
            "time_local": f"{request.time:%d/%b/%Y:%H:%M:%S %z}",
            "remote_addr": request.address,
            "request": f"{request.method} {request.target} HTTP/1.1",
            "status": str(request.status),
            "http_user_agent": request.agent,
            "http_referer": request.referrer,
            "host": "news.example",
            "request_time": "0.003",
        }
    )


IIS_FIELDS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) cs-host sc-status sc-substatus sc-win32-status time-taken"
)
WRITERS: dict[str, tuple[str, Callable[[Request], str]]] = {
    "nginx combined": ("", lambda request: combined(request, nginx, "news.example ")),
    "apache vhost_combined": ("", lambda request: combined(request, apache, "news.example:443 ")),
    "quoted combined": ("", lambda request: f'"{combined(request, nginx, "news.example ")}"'),
    "syslog": ("", lambda r: f"Feb  5 07:00:01 web nginx: {combined(r, nginx, 'news.example ')}"),
    "alb": ("", alb),
    "iis": (IIS_FIELDS, iis),
    "caddy": ("", caddy),
    "nginx json": ("", nginx_json),
}
PLUS_FOR_BLANKS = {"iis"}

TEXTS = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40)
AGENTS = TEXTS.map(lambda text: f"Mozilla/5.0 ({text.strip()})")
WORDS = st.text("abcXYZ019-._~%/", max_size=20)
REQUESTS = st.builds(
    Request,
    st.builds(
        lambda seconds, minutes: datetime.fromtimestamp(
            seconds, timezone(timedelta(minutes=minutes))
        ),
        st.integers(1_000_000_000, 1_900_000_000),
        st.integers(-12 * 4, 14 * 4).map(lambda quarters: quarters * 15),
    ),
    st.one_of(
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6, network="2001:db8::/32").map(str),
    ),
    st.sampled_from(["GET", "POST", "HEAD"]),
    WORDS.map(lambda text: f"/news/{text}"),
    st.one_of(st.just(""), WORDS.map(lambda text: f"id={text}")),
    st.integers(100, 599),
    AGENTS,
    TEXTS.map(str.strip),
)  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=30, deadline=None)
@given(requests=st.lists(REQUESTS, min_size=1, max_size=5))
def test_written_requests_are_read_back(name: str, requests: list[Request]) -> None:
    if name in PLUS_FOR_BLANKS:  # IIS writes a plus sign for a blank, and for a plus sign
        requests = [r._replace(agent=r.agent.replace("+", "").replace('"', "")) for r in requests]
        requests = [r._replace(agent=" ".join(r.agent.split())) for r in requests]
    header, write = WRITERS[name]
    lines = [*filter(None, [header]), *map(write, requests)]
    assert read(lines, detected(lines)) == [request.logged() for request in requests]
