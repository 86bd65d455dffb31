"""decode(): the fast path and the strict decoder both implement event.schema.json."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import UNSET

from mostread.collector.pipeline.decoder import decode
from mostread.collector.pipeline.strict_decoder import decode_each
from mostread.errors import TooManyEvents
from mostread.infra.schemas import DIRECTORY

SCHEMA = Draft202012Validator(json.loads((DIRECTORY / "event.schema.json").read_text()))

# Without newlines, which jsonschema treats unlike ECMA 262: Python's $ matches before a final one.
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=130)
values: st.SearchStrategy[object] = st.one_of(
    text,
    st.sampled_from(["view", "like", "comment", "default", "a", "a:b", "a/b", ""]),
    st.integers(-2, 2),
    st.integers(4_102_444_799_990, 4_102_444_800_010),
    st.sampled_from([1.0, -1.0, 1.5, None, True, False, [], {}]),
)
events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["view", "like", "comment", "share", 1]),
        "article_id": st.one_of(text, values),
        "id": values,
        "site": values,
        "timestamp": values,
        "visitor": values,
        "delta": values,
        "other": values,
    },
)


@given(events, st.booleans())
def test_the_decoder_agrees_with_the_json_schema(
    event: dict[str, object], ascii_only: bool
) -> None:
    body = json.dumps(event, ensure_ascii=ascii_only).encode()
    decoded = decode(body, may_retract=True, max_events=1)
    assert bool(decoded.events) is SCHEMA.is_valid(event)
    assert len(decoded.events) + len(decoded.rejected) == 1


@given(st.lists(events, max_size=6), st.booleans(), st.booleans())
def test_fast_path_strict_decoder_and_all_body_shapes_agree(
    sent: list[dict[str, object]], may_retract: bool, ascii_only: bool
) -> None:
    lines = [json.dumps(event, ensure_ascii=ascii_only) for event in sent]
    array = ("[" + ",".join(lines) + "]").encode()
    ndjson = "\n".join(lines).encode()
    decoded = decode(array, may_retract=may_retract, max_events=10)
    assert decoded == decode(ndjson, may_retract=may_retract, max_events=10)
    assert decoded == decode_each(array, may_retract=may_retract, max_events=10)


@given(st.binary(max_size=60))
def test_decoder_accepts_any_bytes(body: bytes) -> None:
    decode(body, may_retract=False, max_events=1000)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"view","article_id":' + b"[" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'[{"type":"view","article_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
    ],
)
def test_deeply_nested_body_is_rejected(body: bytes) -> None:
    decoded = decode(body, may_retract=False, max_events=1000)
    assert decoded.events == []
    assert len(decoded.rejected) == 1


@pytest.mark.parametrize("body", [b"", b" \n ", b"[]", b"\n[ ]\n"])
def test_empty_body_decodes_to_nothing(body: bytes) -> None:
    assert decode(body, may_retract=False, max_events=1000) == ([], [])


def test_object_may_span_lines() -> None:
    body = b'\n{\n  "type": "view",\n  "article_id": "a"\n}\n'
    (event,) = decode(body, may_retract=False, max_events=1).events
    assert event.article_id == "a"
    assert event.id is UNSET


def test_two_objects_on_one_line_are_rejected() -> None:
    body = b'{"type":"view","article_id":"a"} {"type":"view","article_id":"b"}'
    decoded = decode(body, may_retract=False, max_events=10)
    assert [rejection.reason for rejection in decoded.rejected] == ["syntax"]


@pytest.mark.parametrize("event", [b'{"type":"view","article_id":"a"}', b"3", b"x"])
def test_too_many_events_raise_whether_valid_or_not(event: bytes) -> None:
    decode(b"\n".join([event] * 5), may_retract=False, max_events=5)
    with pytest.raises(TooManyEvents, match="6 events"):
        decode(b"\n".join([event] * 6), may_retract=False, max_events=5)


def test_rejection_detail_is_truncated() -> None:
    body = b'{"' + b"x" * 100_000 + b'": 1}'
    (rejection,) = decode(body, may_retract=False, max_events=1).rejected
    assert len(rejection.detail) <= 200
