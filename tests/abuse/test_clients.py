"""Clients that speak an unusual but valid HTTP: their events count once."""

from collections.abc import Callable

import pytest

from mostread.core.events import encode
from tests.abuse.raw import Raw, post
from tests.support.collector import Collecting, view

Send = Callable[[bytes], Raw]


def event(name: str) -> bytes:
    return encode(view(name, "unusual"))


def chunked(name: str, extension: bytes = b"") -> bytes:
    body = event(name)
    head = post(b"", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
    return head + b"%x%b\r\n%b\r\n0\r\n\r\n" % (len(body), extension, body)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("http10", post(event("http10")).replace(b"HTTP/1.1", b"HTTP/1.0", 1)),
        ("absolute", post(event("absolute")).replace(b" /v1", b" http://b/v1", 1)),
        ("extension", chunked("extension", b";a=b")),
        ("large-head", post(event("large-head"), "A: " + "a" * 16_000)),
        ("empty-lines", b"\r\n\r\n" + post(event("empty-lines"))),
    ],
)
def test_unusual_request_is_counted(
    ordinary: Collecting, raw: Send, name: str, data: bytes
) -> None:
    assert raw(data).answer().status == 202
    assert ordinary.ids().count(name) == 1


def test_client_that_expects_100_continue_is_asked_for_its_body(raw: Send) -> None:
    head, _, body = post(event("expects"), "Expect: 100-continue").partition(b"\r\n\r\n")
    client = raw(head + b"\r\n\r\n")
    assert client.answer().status == 100
    client.send(body)
    assert client.answer().status == 202


def test_pipelined_requests_are_answered_in_order(ordinary: Collecting, raw: Send) -> None:
    names = [f"pipelined-{number}" for number in range(20)]
    client = raw(b"".join(post(event(name)) for name in names))
    assert [client.answer().status for _ in names] == [202] * 20
    assert [name for name in ordinary.ids() if name.startswith("pipelined")] == sorted(names)


@pytest.mark.parametrize(
    ("line", "status"), [("OPTIONS *", 404), ("CONNECT a:443", 404), ("TRACE /healthz", 405)]
)
def test_method_of_proxies_is_refused(raw: Send, line: str, status: int) -> None:
    answer = raw(f"{line} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).answer()
    assert (answer.status, b"urn:mostread:problem:" in answer.body) == (status, True)


def test_body_with_trailers_is_refused(ordinary: Collecting, raw: Send) -> None:
    """Granian presents it like a body that broke off; the client must not believe it counted."""
    client = raw(chunked("trailers").removesuffix(b"\r\n") + b"A: b\r\n\r\n")
    assert client.answer().status == 400
    assert "trailers" not in ordinary.ids()
