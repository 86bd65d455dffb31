"""Malformed bodies: each gets an answer and does not affect other requests."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from tests.abuse.raw import Raw, memory, post
from tests.support.collector import Collecting

MOST_MIB = 400
Send = Callable[[bytes], Raw]


def event(**fields: object) -> bytes:
    return json.dumps({"type": "view", "article_id": "a", **fields}).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"type":"view","article_id":"a"', "syntax"),
        (b'{"type":"view","article_id":"a\xff"}', "syntax"),
        (b'{"type":"view","article_id":"\xed\xa0\x80"}', "syntax"),
        (b'{"type":"view","article_id":"\\ud800"}', "syntax"),
        (b'{"type":"view","article_id":"a","timestamp":NaN}', "syntax"),
        (b'{"type":"view","article_id":"a","timestamp":1e999}', "schema"),
        (b'{"type":"view","article_id":"a","timestamp":-1e999}', "schema"),
        (b'{"type":"view","article_id":"a","timestamp":' + b"9" * 100_000 + b"}", "schema"),
        (b'{"type":"view","article_id":"a","timestamp":1.5}', "schema"),
        (b'{"type":"view","article_id":"a","article_id":"b"}', "duplicate_field"),
        (b'{"type":"view","article_id":"a","\\u0074ype":"like"}', "duplicate_field"),
        (b'{"type":"view","article_id":"a","__proto__":{}}', "schema"),
        (b"[" * 500_000, "syntax"),
        (b"[" * 500_000 + b"]" * 500_000, "syntax"),
        (b'{"type":' * 100_000, "syntax"),
        (b'{"type":"view","article_id":"a","x":' + b"[" * 9999 + b"]" * 9999 + b"}", "syntax"),
        (b'"' + b"a" * 1_000_000, "syntax"),
        (event(article_id="a\r\nSet-Cookie: b"), "schema"),
        (event(article_id="\x00"), "schema"),
        (event(article_id="a\u202eb"), "schema"),
        (event(article_id="a" * 129), "schema"),
        (event(id="a\nb"), "schema"),
        (event(site="../b"), "schema"),
    ],
)
def test_invalid_event_is_rejected_with_reason(raw: Send, body: bytes, reason: str) -> None:
    connection = raw(post(body))
    answer = connection.answer()
    assert answer.status == 400
    assert {each["reason"] for each in json.loads(answer.body)["rejected"]} == {reason}
    assert len(answer.body) < 2000  # what was sent is not sent back
    # The connection stays usable.
    connection.send(post(event(id="after")))
    assert connection.answer().status == 202


@pytest.mark.parametrize("article", ["../../etc/passwd", "a/../b", "%2e%2e", "аб", "'; --"])
def test_article_id_may_be_any_visible_text(raw: Send, article: str) -> None:
    assert raw(post(event(article_id=article, id="path"))).answer().status == 202


@pytest.mark.parametrize("wbits", [31, 15, -15])
def test_decompression_bomb_is_rejected_within_memory_limit(
    ordinary: Collecting, raw: Send, wbits: int
) -> None:
    packer = zlib.compressobj(9, wbits=wbits)
    bomb = packer.compress(bytes(128 << 20)) + packer.flush()
    encoding = "gzip" if wbits == 31 else "deflate"
    connection = raw(b"")
    for _ in range(5):
        connection.send(post(bomb, f"Content-Encoding: {encoding}"))
        answer = connection.answer()
        assert (answer.status, b"too-large" in answer.body) == (413, True)
    # Nobody inflates the rest to throw it away: the connection is free at once.
    connection.send(post(event(id="after-bomb")))
    assert connection.answer().status == 202
    assert memory(ordinary.service.pid) < MOST_MIB


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(event(), mtime=0)[:-4],
        gzip.compress(event(), mtime=0) + b"more",
        gzip.compress(gzip.compress(event(), mtime=0), mtime=0),
        b"",
        b"\x1f\x8b",
    ],
)
def test_corrupt_compressed_body_is_rejected(raw: Send, body: bytes) -> None:
    assert raw(post(body, "Content-Encoding: gzip")).answer().status == 400


def test_content_length_above_limit_is_rejected_before_body(raw: Send) -> None:
    connection = raw(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
    assert connection.answer().status == 413


def test_chunked_body_above_limit_is_rejected(raw: Send) -> None:
    head = b"POST /v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection = raw(head)
    for _ in range(17):
        connection.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    assert connection.answer().status == 413
