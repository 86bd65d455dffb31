"""decode(): the fast path and the strict decoder both implement event.schema.json."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import UNSET

from mostread.collector.pipeline.decoder import decode
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline.strict_decoder import decode_each
from mostread.core.article_ids import InvalidArticleId, clean
from mostread.errors import TooManyEvents
from mostread.infra.schemas import DIRECTORY

SCHEMA = Draft202012Validator(json.loads((DIRECTORY / "event.schema.json").read_text()))
SCHEMA_OPTIONAL = {"id", "site", "timestamp", "visitor", "delta", "receipt"}


def always(_: SentEvent) -> bool:
    return True


def never(_: SentEvent) -> bool:
    return False


# Without newlines, which jsonschema treats unlike ECMA 262: Python's $ matches before a final one.
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=130)
values: st.SearchStrategy[object] = st.one_of(
    text,
    st.sampled_from(["view", "like", "comment", "default", "a", "a:b", "a/b", ""]),
    st.integers(-2, 2),
    st.integers(4_102_444_799_990, 4_102_444_800_010),
    st.integers(99_999_999_990, 100_000_000_010),
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
        "receipt": values,
        "other": values,
    },
)


@given(events, st.booleans())
def test_the_decoder_agrees_with_the_json_schema(
    event: dict[str, object], ascii_only: bool
) -> None:
    body = json.dumps(event, ensure_ascii=ascii_only).encode()
    decoded = decode(body, may_retract=always, max_events=1)
    # The schema is that of the log: the collector cleans article ids and leaves out nulls.
    written = {
        name: value
        for name, value in event.items()
        if value is not None or name not in SCHEMA_OPTIONAL
    }
    if isinstance(article_id := event.get("article_id"), str):
        try:
            written["article_id"] = clean(article_id)
        except InvalidArticleId:
            written["article_id"] = ""
    assert bool(decoded.events) is SCHEMA.is_valid(written)
    if decoded.events:
        assert decoded.events[0].article_id == written["article_id"]
    assert len(decoded.events) + len(decoded.rejected) == 1


@given(st.lists(events, max_size=6), st.booleans(), st.booleans())
def test_fast_path_strict_decoder_and_all_body_shapes_agree(
    sent: list[dict[str, object]], may_retract: bool, ascii_only: bool
) -> None:
    lines = [json.dumps(event, ensure_ascii=ascii_only) for event in sent]
    array = ("[" + ",".join(lines) + "]").encode()
    ndjson = "\n".join(lines).encode()
    decoded = decode(array, may_retract=always if may_retract else never, max_events=10)
    assert decoded == decode(ndjson, may_retract=always if may_retract else never, max_events=10)
    assert decoded == decode_each(
        array, may_retract=always if may_retract else never, max_events=10
    )


@given(st.binary(max_size=60))
def test_decoder_accepts_any_bytes(body: bytes) -> None:
    decode(body, may_retract=never, max_events=1000)


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
    decoded = decode(body, may_retract=never, max_events=1000)
    assert decoded.events == []
    assert len(decoded.rejected) == 1


@pytest.mark.parametrize("body", [b"", b" \n ", b"[]", b"\n[ ]\n"])
def test_empty_body_decodes_to_nothing(body: bytes) -> None:
    assert decode(body, may_retract=never, max_events=1000) == ([], [])


def test_object_may_span_lines() -> None:
    body = b'\n{\n  "type": "view",\n  "article_id": "a"\n}\n'
    (event,) = decode(body, may_retract=never, max_events=1).events
    assert event.article_id == "a"
    assert event.id is UNSET


def test_two_objects_on_one_line_are_rejected() -> None:
    body = b'{"type":"view","article_id":"a"} {"type":"view","article_id":"b"}'
    decoded = decode(body, may_retract=never, max_events=10)
    assert [rejection.reason for rejection in decoded.rejected] == ["syntax"]


@pytest.mark.parametrize("event", [b'{"type":"view","article_id":"a"}', b"3", b"x"])
def test_too_many_events_raise_whether_valid_or_not(event: bytes) -> None:
    decode(b"\n".join([event] * 5), may_retract=never, max_events=5)
    with pytest.raises(TooManyEvents, match="6 events"):
        decode(b"\n".join([event] * 6), may_retract=never, max_events=5)


def test_null_in_an_optional_field_is_absence() -> None:
    body = b'{"type":"like","article_id":"a","id":null,"site":null,"timestamp":null,"visitor":null}'
    assert decode(body, may_retract=never, max_events=1).events == [SentEvent("like", "a")]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ('"article_id":4711', "`article_id` is a number; send it as a string."),
        ('"article_id":null', "Expected `str`, got `null` - at `$.article_id`."),
        ('"article_id":" \\n"', "`article_id` is blank; send the id of the article."),
        (
            '"article_id":"a","timestamp":1795461787',
            "`timestamp` is before 1973: seconds? Send milliseconds since 1970, as Date.now() "
            "returns.",
        ),
        (
            '"article_id":"a","timestamp":1795461787000000',
            "`timestamp` is after 2099: microseconds? Send milliseconds since 1970, as Date.now() "
            "returns.",
        ),
        ('"article_id":"a","id":"~a"', "`id` may contain A-Z a-z 0-9 . _ : - only."),
    ],
)
def test_rejection_says_what_to_send(fields: str, detail: str) -> None:
    body = f'{{"type":"view",{fields}}}'.encode()
    (rejection,) = decode(body, may_retract=never, max_events=1).rejected
    assert (rejection.reason, rejection.detail) == ("schema", detail)


def test_rejection_detail_is_truncated() -> None:
    body = b'{"' + b"x" * 100_000 + b'": 1}'
    (rejection,) = decode(body, may_retract=never, max_events=1).rejected
    assert len(rejection.detail) <= 200
