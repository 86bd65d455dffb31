"""Which letters become events again, and what is said of the others."""

import base64
import io
import json

import pytest

from mostread.core.dead_letters import Letter, decode, event
from mostread.core.events import Event
from mostread.errors import InvalidEvent
from mostread.ops.dead_letters.replay import Replay, replay_file

TOPIC = "engagement.events"
THEN = 1_790_000_000_000


def letter(text: str | None, **fields: object) -> Letter:
    where = {"topic": TOPIC, "partition": 3, "offset": 14, "line": 2, "reason": "?"}
    return decode(json.dumps({**where, "timestamp": THEN, "text": text, **fields}).encode())


def test_what_is_missing_is_made_up_from_where_it_stood() -> None:
    assert event(letter('{"type":"view","article_id":"a"}')) == Event(
        type="view", article_id="a", id="letter-3-14-2", timestamp=THEN
    )


def test_what_it_says_itself_stays() -> None:
    line = '{"type":"like","article_id":"статья","id":"x","timestamp":7,"site":"s","visitor":"v"}'
    assert event(letter(line)) == Event(
        type="like", article_id="статья", id="x", timestamp=7, site="s", visitor="v"
    )


def test_a_letter_of_an_older_version_has_no_time() -> None:
    assert event(letter('{"type":"view","article_id":"a"}', timestamp=None)).timestamp is None


def test_a_line_in_base64_is_read_and_a_mended_text_comes_first() -> None:
    line = base64.b64encode(b'{"type":"view","article_id":"a"}').decode()
    packed = letter(None, base64=line)
    assert event(packed).article_id == "a"
    mended = letter('{"type":"view","article_id":"b"}', base64=line)
    assert event(mended).article_id == "b"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "malformed"),
        ('{"type":"view","article_id":"a","delta":-1}', "a view cannot be taken back"),
        ("", "the record is empty"),
        ('{"type":"view","article_id":"a"}\n{"type":"view","article_id":"a"}', "holds 2 lines"),
    ],
)
def test_what_is_no_event_still_is_told(text: str, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        event(letter(text))


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_letter_is_told(value: bytes) -> None:
    with pytest.raises(InvalidEvent, match="no letter"):
        decode(value)


def test_base64_that_is_none_is_told() -> None:
    with pytest.raises(InvalidEvent, match="no base64"):
        letter(None, base64="a*")


def test_a_file_is_sent_in_its_order_and_names_what_it_leaves_out() -> None:
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
    told: list[str] = []
    replay = Replay(TOPIC, sent.extend, told.append)
    replay_file(io.BytesIO(b"".join(lines)), replay)
    assert [each.id for each in sent] == [f"letter-0-{n}-0" for n in [*range(1500), 9001]]
    assert [each.split(":")[0] for each in told] == ["line 1502", "line 1503"]
    assert (replay.sent, replay.wrong, replay.of_other_topics) == (1501, 2, 1)
