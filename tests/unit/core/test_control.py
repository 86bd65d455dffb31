"""Which records are control records."""

import pytest

from mostread.core.control import Forget, encode_forget
from mostread.core.dead_letters import from_line, parse_event
from mostread.core.events import Event
from mostread.core.records import DeadLine, LogRecord, decode, each_line
from mostread.errors import InvalidEvent

VIEW = b'{"type":"view","article_id":"a"}'
FORGET = encode_forget("news", "a")


@pytest.mark.parametrize(
    ("value", "article_id"),
    [
        (FORGET, "a"),
        (FORGET + b"\n", "a"),
        (b"\n \n" + FORGET + b"\r\n\n", "a"),
        (encode_forget("news"), ""),
        (b'{"article_id":"\\u0430","site":"news","type":"forget"}', "а"),
    ],
    ids=["one line", "newline at the end", "blank lines", "whole site", "escaped name"],
)
def test_record_of_one_line_is_a_forget(value: bytes, article_id: str) -> None:
    decoded = decode([LogRecord(7, 1_000, value)])
    assert decoded.forgets == [Forget(7, 1_000, "news", article_id)]
    assert (decoded.events, decoded.dead, [*decoded.ends]) == ([], [], [0])


def test_forget_keeps_its_id_and_author() -> None:
    value = encode_forget("news", forget_id="f-1", by="eva")
    (forget,) = decode([LogRecord(7, 1_000, value)]).forgets
    assert forget == Forget(7, 1_000, "news", "", "f-1", "eva")


@pytest.mark.parametrize(
    "value",
    [
        b'{"type":"forget"}',
        b'{"type":"forget","site":""}',
        b'{"type":"forget","site":"news","article_id":""}',
        b'{"type":"forget","site":"news","article_id":null}',
        b'{"type":"forget","site":"news","artcle_id":"a"}',
        b'{"type":"forget","site":"news","article_id":7}',
        b'{"type":"forget","site":"news","article_id":"\\u0007"}',
        b'{"type":"forget","site":"' + b"x" * 65 + b'"}',
        b'[{"type":"forget","site":"news"}]',
        FORGET + FORGET,
        b"\xff" + FORGET,
    ],
)
def test_incomplete_forget_is_a_dead_line(value: bytes) -> None:
    decoded = decode([LogRecord(7, 1_000, value)])
    assert (decoded.forgets, decoded.events, len(decoded.dead)) == ([], [], 1)


@pytest.mark.parametrize(
    ("value", "dead"),
    [
        (FORGET + b"\n" + VIEW, 1),
        (VIEW + b"\n" + FORGET, 1),
        (FORGET + b"\n" + FORGET, 2),
        (b"x\n" + FORGET, 2),
    ],
    ids=["before an event", "behind an event", "two forgets", "behind an invalid line"],
)
def test_forget_among_other_lines_is_a_dead_line(value: bytes, dead: int) -> None:
    record = LogRecord(7, 1_000, value)
    decoded = decode([record])
    assert not decoded.forgets
    assert len(decoded.events) == value.count(VIEW)
    assert len(decoded.dead) == dead
    reasons = {line.reason for line in decoded.dead if line.raw == FORGET}
    assert reasons == {"a forget must be the only line of its record"}


def test_article_named_forget_is_an_event() -> None:
    (event,) = each_line(LogRecord(0, 0, b'{"type":"view","article_id":"forget"}'))
    assert isinstance(event, Event)
    (line,) = each_line(LogRecord(0, 0, b'{"type":"glance","article_id":"forget"}'))
    assert isinstance(line, DeadLine)
    assert line.reason == "Invalid enum value 'glance' - at `$.type`"


def test_dead_forget_cannot_be_replayed() -> None:
    line = DeadLine(7, 1_000, 1, "a forget must be the only line of its record", FORGET)
    with pytest.raises(InvalidEvent, match="run `mostread forget`"):
        parse_event(from_line("events", 0, line))


@pytest.mark.parametrize(
    ("forget", "site", "article_id", "named"),
    [
        (Forget(0, 0, "news", ""), "news", "a", True),
        (Forget(0, 0, "news", "a"), "news", "a", True),
        (Forget(0, 0, "news", "a"), "news", "b", False),
        (Forget(0, 0, "news", ""), "sport", "a", False),
        (Forget(0, 0, "news", "a"), "sport", "a", False),
    ],
)
def test_forget_names_its_site_or_article(
    forget: Forget, site: str, article_id: str, *, named: bool
) -> None:
    assert forget.names(site, article_id) is named
