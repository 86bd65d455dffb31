"""Replay of dead letters: which become events, and errors for the others."""

import base64
import io
import json

import msgspec
import pytest

from mostread.core.dead_letters import (
    MAX_LINE_BYTES,
    DeadLetter,
    decode,
    encode,
    from_line,
    parse_event,
)
from mostread.core.events import Event
from mostread.core.records import DeadLine
from mostread.errors import InvalidEvent
from mostread.ops.dead_letters.replay import DeadLetterReplay, replay_file

TOPIC = "engagement.events"
THEN = 1_790_000_000_000


def letter(text: str | None, **fields: object) -> DeadLetter:
    where = {"topic": TOPIC, "partition": 3, "offset": 14, "line": 2, "reason": "?"}
    return decode(json.dumps({**where, "timestamp": THEN, "text": text, **fields}).encode())


def test_parse_event_derives_missing_id_and_timestamp_from_the_record() -> None:
    assert parse_event(letter('{"type":"view","article_id":"a"}')) == Event(
        type="view", article_id="a", id="letter-3-14-2", timestamp=THEN
    )


def test_parse_event_keeps_given_fields() -> None:
    line = '{"type":"like","article_id":"статья","id":"x","timestamp":7,"site":"s","visitor":"v"}'
    assert parse_event(letter(line)) == Event(
        type="like", article_id="статья", id="x", timestamp=7, site="s", visitor="v"
    )


def test_parse_event_without_any_timestamp() -> None:
    assert parse_event(letter('{"type":"view","article_id":"a"}', timestamp=None)).timestamp is None


def test_parse_event_reads_base64_and_prefers_text() -> None:
    line = base64.b64encode(b'{"type":"view","article_id":"a"}').decode()
    packed = letter(None, base64=line)
    assert parse_event(packed).article_id == "a"
    corrected = letter('{"type":"view","article_id":"b"}', base64=line)
    assert parse_event(corrected).article_id == "b"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "malformed"),
        ('{"type":"view","article_id":"a","delta":-1}', "a view cannot be retracted"),
        ("", "the record is empty"),
        ('{"type":"view","article_id":"a"}\n{"type":"view","article_id":"a"}', "has 2 lines"),
    ],
)
def test_parse_event_rejects_line_that_is_still_invalid(text: str, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        parse_event(letter(text))


def test_parse_event_rejects_a_cut_line_until_its_length_is_removed() -> None:
    line = b'{"type":"view","article_id":"a"}' + b" " * MAX_LINE_BYTES
    cut = from_line(TOPIC, 3, DeadLine(14, THEN, 2, "malformed", line))
    with pytest.raises(
        InvalidEvent, match=r"holds 262,144 of the line's 262,176 bytes.* offset 14"
    ):
        parse_event(cut)
    assert parse_event(msgspec.structs.replace(cut, length=None)).article_id == "a"


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000])
def test_decode_rejects_value_that_is_not_a_dead_letter(value: bytes) -> None:
    with pytest.raises(InvalidEvent, match="not a valid dead letter"):
        decode(value)


def test_decode_rejects_invalid_base64() -> None:
    with pytest.raises(InvalidEvent, match="not valid base64"):
        letter(None, base64="a*")


def test_replay_file_sends_events_in_order_and_reports_the_rest() -> None:
    def line(offset: int, text: str, topic: str = TOPIC) -> bytes:
        where = {"topic": topic, "partition": 0, "offset": offset, "line": 0, "reason": "?"}
        return json.dumps({**where, "text": text}).encode() + b"\n"

    view = '{"type":"view","article_id":"a"}'
    lines = [
        *(line(n, view) for n in range(1500)),
        b"\n",
        line(9000, "{"),
        b"no letter\n",
        line(3, view),
        line(0, view, "engagement.articles"),
        line(9001, view),
    ]
    sent: list[Event] = []
    reports: list[str] = []
    replay = DeadLetterReplay(TOPIC, sent.extend, reports.append)
    replay_file(io.BytesIO(b"".join(lines)), replay)
    assert [event.id for event in sent] == [f"letter-0-{n}-0" for n in [*range(1500), 9001]]
    assert [report.split(":")[0] for report in reports] == ["line 1502", "line 1503"]
    assert (replay.sent, replay.invalid, replay.other_topics) == (1501, 2, 1)


@pytest.mark.parametrize(
    ("raw", "text"), [(b"{", "{"), (b"", ""), (b"\xff", None), (b"a\x1b[2J", None)]
)
def test_from_line_stores_printable_text_and_base64_otherwise(raw: bytes, text: str | None) -> None:
    stored = decode(encode(from_line(TOPIC, 3, DeadLine(14, THEN, 2, "malformed", raw))))
    assert (stored.text, stored.raw) == (text, raw)
    assert stored.position == f"{TOPIC}/3/14/2"
