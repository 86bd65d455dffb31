"""Hostile requests: smuggling, header injection, path traversal, data that is not HTTP."""

import json
from collections.abc import Callable

import pytest

from tests.abuse.raw import Raw, post
from tests.support.collector import TOKENS, Collecting

Send = Callable[[bytes], Raw]
SMUGGLED = post(b'{"type":"view","article_id":"a","id":"smuggled"}')
CMS = f"Authorization: Bearer {TOKENS['cms']}\r\n".encode()


def head(*lines: bytes) -> bytes:
    return (
        b"\r\n".join([b"POST /v1/events HTTP/1.1", b"Host: a", b"User-Agent: raw", *lines])
        + b"\r\n\r\n"
    )


@pytest.mark.parametrize(
    "request_head",
    [
        head(b"Content-Length: 5", b"Content-Length: 6"),
        head(b"Content-Length: 5, 6"),
        head(b"Content-Length: 5, 5"),
        head(b"Content-Length: +5"),
        head(b"Content-Length: 0x5"),
        head(b"Content-Length: -1"),
        head(b"Content-Length:"),
        head(b"Content-Length : 5"),
        head(b"Transfer-Encoding: chunked, identity"),
        head(b"Transfer-Encoding: xchunked"),
        head(b"Transfer-Encoding: \x0bchunked"),
        head(b"Transfer-Encoding: chunked\xa0"),
        head(b"Transfer-Encoding:", b"Content-Length: 5"),
        head(b"Transfer-Encoding\t: chunked"),
        head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
        head(b" Content-Length: 5"),
        head(b"A: b", b" Content-Length: 5"),
        head(b"A: b\rContent-Length: 5"),
        head(b"A: b\x00"),
        head(b"A\x00: b"),
        head(b"A\xff: b"),
        head(b"A"),
        b"POST /v1/events HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /v1/events  HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_ambiguous_head_is_rejected_by_the_parser(
    ordinary: Collecting, raw: Send, request_head: bytes
) -> None:
    """Granian answers these alone: 400 without a body, not application/problem+json."""
    connection = raw(request_head + b"0\r\n\r\n" + SMUGGLED)
    answer = connection.answer()
    assert (answer.status, answer.body) == (400, b"")
    assert "connection: close" in answer.head.lower()
    assert connection.ended()
    assert "smuggled" not in ordinary.ids()


@pytest.mark.parametrize(
    "request_head",
    [
        head(b"Transfer-Encoding: identity, chunked"),
        head(b"Transfer-Encoding: gzip, chunked"),
        head(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"),
        head(b"Host: b", b"Content-Length: 5"),
    ],
)
def test_unsupported_coding_or_second_host_closes_the_connection(
    ordinary: Collecting, raw: Send, request_head: bytes
) -> None:
    connection = raw(request_head + b"0\r\n\r\n" + SMUGGLED)
    answer = connection.answer()
    assert answer.status == 400
    assert b"urn:mostread:problem:bad-request" in answer.body
    assert connection.ended()
    assert "smuggled" not in ordinary.ids()


@pytest.mark.parametrize(
    "lengths",
    [
        [b"Content-Length: 6", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 6"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 1000"],
    ],
)
def test_chunked_body_with_length_is_the_last_request(
    ordinary: Collecting, raw: Send, lengths: list[bytes]
) -> None:
    """Granian reads the chunks and ends the connection, as RFC 9112 permits instead of 400."""
    connection = raw(head(*lengths) + b"0\r\n\r\n" + SMUGGLED)
    answer = connection.answer()
    assert (answer.status, b"no-valid-event" in answer.body) == (400, True)
    assert "connection: close" in answer.head.lower()
    assert connection.ended()
    assert "smuggled" not in ordinary.ids()


def test_bare_line_feed_ends_a_header_line(raw: Send) -> None:
    """RFC 9112, section 2.2, permits it: the length counts, and the body is not a request."""
    body = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    connection = raw(head(b"A: b\nContent-Length: %d" % len(body)) + body)
    answer = connection.answer()
    assert (answer.status, b"no-valid-event" in answer.body) == (400, True)
    connection.send(post(b'{"type":"view","article_id":"a","id":"after"}'))
    assert connection.answer().status == 202


@pytest.mark.parametrize(
    "chunks",
    [
        b"g\r\n",
        b"-1\r\n",
        b"5\r\nabc\r\n0\r\n\r\n",
        b"5\r\n12345XX0\r\n\r\n",
        b"0x5\r\nabcde\r\n",
        b"5 \n12345\n",
        b"5\n12345\r\n0\r\n\r\n",
        b"5;a\n12345\r\n0\r\n\r\n",
        b"F" * 17 + b"\r\n",
        b"5;" + b"a" * 70_000 + b"\r\n12345\r\n0\r\n\r\n",
        b"0\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
    ],
)
def test_invalid_chunk_length_closes_the_connection(
    ordinary: Collecting, raw: Send, chunks: bytes
) -> None:
    connection = raw(head(b"Transfer-Encoding: chunked") + chunks + SMUGGLED)
    answer = connection.answer()
    assert (answer.status, b"unreadable-body" in answer.body) == (400, True)
    assert connection.ended()
    assert "smuggled" not in ordinary.ids()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"\x00" * 1000, 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /healthz\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 80_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 2000 + b"\r\n", 431),
    ],
)
def test_non_http_data_closes_the_connection(raw: Send, data: bytes, status: int) -> None:
    connection = raw(data)
    assert connection.answer().status == status
    assert connection.ended()


@pytest.mark.parametrize("path", ["/healthz", "/nothing"])
def test_server_header_names_no_version(raw: Send, path: str) -> None:
    answer = raw(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).answer()
    assert [line for line in answer.head.split("\r\n") if line.startswith("server:")] == [
        "server: granian"
    ]


@pytest.mark.parametrize("path", ["/..", "/%2e%2e/etc/passwd", "//v1//events", "/v1/events/../x"])
def test_path_traversal_finds_no_route(raw: Send, path: str) -> None:
    answer = raw(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).answer()
    assert answer.status in {404, 405}
    assert "application/problem+json" in answer.head


@pytest.mark.parametrize(
    ("path", "article_id"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "../../etc/passwd"),
        ("%252e%252e", "%2e%2e"),
        ("a%3Fsite=b%23", "a?site=b#"),
        ("article:other:b", "article:other:b"),
    ],
)
def test_article_id_comes_from_the_url_path(raw: Send, path: str, article_id: str) -> None:
    body = b'{"title":"A"}'
    lines = f"PUT /v1/articles/{path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    answer = raw(lines.encode() + CMS + b"\r\n" + body).answer()
    assert answer.status == 200
    assert json.loads(answer.body)["article_id"] == article_id


@pytest.mark.parametrize(
    "path", ["%0d%0aSet-Cookie:%20a", "%00", "a?site=b%0d%0aX:%20y", "%ff", "%1b%5b31m"]
)
def test_no_header_can_be_injected(raw: Send, path: str) -> None:
    lines = f"DELETE /v1/articles/{path} HTTP/1.1\r\nHost: a\r\n".encode()
    answer = raw(lines + CMS + b"\r\n").answer()
    assert answer.status in {204, 400}
    names = [line.partition(":")[0].lower() for line in answer.head.split("\r\n")[1:]]
    assert set(names) <= {
        "connection",
        "content-length",
        "content-type",
        "date",
        "server",
        "x-request-id",
    }


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer " + "a" * 8000,
        "Bearer \xff\xfe",
        "bearer token-of-cms token-of-cms",
        f"Basic {TOKENS['cms']}",
        f"Bearer {TOKENS['cms'].upper()}",
        f"Bearer {TOKENS['cms']}a",
        f"Bearer {TOKENS['cms'][:-1]}",
    ],
)
def test_similar_tokens_are_rejected(raw: Send, header: str) -> None:
    lines = f"DELETE /v1/articles/a HTTP/1.1\r\nHost: a\r\nAuthorization: {header}\r\n\r\n"
    answer = raw(lines.encode("latin-1")).answer()
    assert answer.status == 401
    assert TOKENS["cms"] not in answer.head + answer.body.decode()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://a\x0bb", "*"])
def test_cors_allows_events_and_placements_from_other_origins(raw: Send, origin: str) -> None:
    def probe(method: str, path: str, wanted: str) -> dict[str, str]:
        lines = (
            f"{method} {path} HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\nCookie: a=b\r\n"
            f"Access-Control-Request-Method: {wanted}\r\n\r\n"
        )
        answer = raw(lines.encode("latin-1")).answer()
        named = (line.partition(": ") for line in answer.head.split("\r\n")[1:])
        return {name.lower(): value for name, _, value in named}

    events = probe("OPTIONS", "/v1/events", "PUT")
    # Any page may send events, with cookies that browsers add by themselves: nothing reads them.
    assert events.get("access-control-allow-origin", origin) == origin
    assert events.get("access-control-allow-credentials", "true") == "true"
    assert events.get("access-control-allow-methods", "OPTIONS, POST") == "OPTIONS, POST"
    decisions = probe("OPTIONS", "/v1/articles/a/placement", "PUT")
    assert decisions.get("access-control-allow-origin", "*") == "*"
    assert "access-control-allow-credentials" not in decisions
    for path in ("/v1/articles/a", "/metrics", "/readyz"):
        for method in ("OPTIONS", "GET"):
            answer = probe(method, path, "DELETE")
            assert not [name for name in answer if name.startswith("access-control-")]
