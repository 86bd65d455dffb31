"""Which lines are valid events does not depend on which records are decoded together."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.control import encode_forget
from mostread.core.events import Event
from mostread.core.records import MAX_DEAD_LINES, LogRecord, decode, each_line

VIEW = b'{"type":"view","article_id":"a"}'
FORGET = encode_forget("news", "a")
VALUES = [
    VIEW,
    VIEW + b"\n",
    VIEW + b"\r",
    b" " + VIEW,
    VIEW + VIEW,
    VIEW + b"," + VIEW,
    VIEW + b"\n" + VIEW,
    VIEW + b"\n\n" + VIEW,
    b'{"type":"view",',
    b'"article_id":"b"}',
    b'{"type":"view"',
    b'{"visitor":{"x":1}',
    b'{"type":"view","article_id":"',
    b'"}',
    b'{"type":"view","article_id":"\\u0430"}',
    b'{"type":"like","article_id":"a","delta":-1}',
    b'{"type":"view","article_id":"a","delta":-1}',
    b"[" + VIEW + b"]",
    b"",
    b"\n",
    b"{}",
    FORGET,
    FORGET + b"\n",
    FORGET + b"\n" + VIEW,
]


@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=6))
def test_records_decode_alike_together_and_alone(values: list[bytes]) -> None:
    records = [LogRecord(offset, 0, value) for offset, value in enumerate(values)]
    alone = [decode([record]) for record in records]
    together = decode(records)
    assert together.events == [event for each in alone for event in each.events]
    assert together.dead == [line for each in alone for line in each.dead]
    assert [*together.forgets] == [forget for each in alone for forget in each.forgets]
    ends = [0, *together.ends]
    assert [b - a for a, b in itertools.pairwise(ends)] == [len(e.events) for e in alone]


@given(st.lists(st.sampled_from([VIEW, b"\n", b"\r\n", b" ", *VALUES[8:14]]), max_size=8))
def test_record_decodes_as_its_lines_one_by_one(parts: list[bytes]) -> None:
    record = LogRecord(7, 0, b"".join(parts))
    lines = list(each_line(record))
    decoded = decode([record])
    assert decoded.events == [line for line in lines if isinstance(line, Event)]
    assert decoded.dead == [line for line in lines if not isinstance(line, Event)]


@pytest.mark.parametrize(
    ("value", "events", "dead"),
    [
        (VIEW + b"\r\n" + VIEW + b"\r\n", 2, 0),
        (VIEW + VIEW, 0, 1),
        (VIEW + b"\n\n" + VIEW + VIEW, 1, 1),
        (b'{"type":"view",\n"article_id":"a"}' + VIEW, 0, 2),
        (b'{"type":"view",\n"article_id":"a"}', 0, 2),
        (b"[" * 100_000, 0, 1),
        (b'{"type":"view","article_id":"\\ud800"}', 0, 1),
        ('{"type":"view","article_id":"' + "я" * 129 + '"}', 0, 1),
        ('{"type":"view","article_id":"' + "я" * 128 + '"}', 1, 0),
        (b'{"type":"view","article_id":"a","timestamp":1e999}', 0, 1),
        (b'{"type":"view","article_id":"a","timestamp":-1}', 0, 1),
    ],
)
def test_line_is_event_or_dead_line(value: bytes | str, events: int, dead: int) -> None:
    raw = value.encode() if isinstance(value, str) else value
    decoded = decode([LogRecord(0, 0, raw)])
    assert (len(decoded.events), len(decoded.dead)) == (events, dead)


def test_rest_of_a_record_with_too_many_invalid_lines_is_one_dead_line() -> None:
    event = b'{"type":"view","article_id":"a"}'
    invalid = b"x\n" * MAX_DEAD_LINES
    value = invalid + event + b"\n\n" + b"y\n" + event
    decoded = decode([LogRecord(7, 1_000, value)])
    assert [each.article_id for each in decoded.events] == ["a"]
    assert [line.raw for line in decoded.dead[:-1]] == [b"x"] * MAX_DEAD_LINES
    assert decoded.dead[-1].line == MAX_DEAD_LINES + 2
    assert decoded.dead[-1].raw == b"y\n" + event
