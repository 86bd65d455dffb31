"""Each example of schemas/examples: JSON Schema and the collector's decoder say the same."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from yarl import URL

from mostread.collector.api import payloads, pixel
from mostread.collector.pipeline.decoder import decode
from mostread.collector.pipeline.strict_decoder import Rejection
from mostread.core.editorial.placements import placement_key
from mostread.core.editorial.records import change
from mostread.errors import InvalidEvent
from mostread.infra.schemas import DIRECTORY, openapi

EXAMPLES = DIRECTORY / "examples"
BESIDE_THE_SCHEMA = {"syntax", "duplicate_field", "contradiction"}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((DIRECTORY / f"{name}.schema.json").read_text()))


def examples(folder: str, pattern: str = "*.json") -> pytest.MarkDecorator:
    found = sorted((EXAMPLES / folder).glob(pattern))
    assert found
    found = [path for path in found if not path.name.endswith(".rejected.json")]
    return pytest.mark.parametrize("path", found, ids=lambda path: path.name)


def shapes(body: bytes) -> list[bytes]:
    """The event as an object, in an array, and as a line among others."""
    line = body.strip().replace(b"\n", b" ")
    return [body, b"[" + line + b"]", line, b"\n" + line + b"\n"]


@examples("event/valid")
def test_a_valid_event_is_valid_to_both(path: Path) -> None:
    body = path.read_bytes()
    validator("event").validate(json.loads(body))
    for shape in shapes(body):
        decoded = decode(shape, may_take_back=".token." in path.name, max_events=1)
        assert len(decoded.events) == 1
        assert decoded.rejected == []


@examples("event/valid", "*.token.json")
def test_taking_back_needs_a_token(path: Path) -> None:
    decoded = decode(path.read_bytes(), may_take_back=False, max_events=1)
    assert decoded.events == []
    assert [rejection.reason for rejection in decoded.rejected] == ["token_required"]


@examples("event/invalid")
def test_an_invalid_event_is_rejected_for_the_reason_in_its_name(path: Path) -> None:
    body = path.read_bytes()
    reason = path.name.split(".")[-2]
    if reason not in BESIDE_THE_SCHEMA:
        assert not validator("event").is_valid(json.loads(body))
    for shape in shapes(body):
        decoded = decode(shape, may_take_back=True, max_events=1)
        assert decoded.events == []
        (rejection,) = decoded.rejected
        assert rejection.index == 0
        # An array of something that is not JSON is not JSON, whatever else is wrong with it.
        assert rejection.reason == reason
        assert rejection.detail


@examples("event/valid", "*.ndjson")
def test_valid_lines(path: Path) -> None:
    decoded = decode(path.read_bytes(), may_take_back=False, max_events=1000)
    assert decoded.rejected == []
    assert len(decoded.events) == len(path.read_text().split())


@examples("event/invalid", "*.ndjson")
def test_a_bad_line_costs_only_itself(path: Path) -> None:
    decoded = decode(path.read_bytes(), may_take_back=False, max_events=1000)
    expected = json.loads(path.with_name(path.name + ".rejected.json").read_text())
    assert [{"index": r.index, "reason": r.reason} for r in decoded.rejected] == expected
    assert len(decoded.events) == len(path.read_text().split("\n\n")[0].split("\n")) - 1


@examples("article/valid")
def test_a_valid_article_is_valid_to_both(path: Path) -> None:
    value = json.loads(path.read_bytes())
    validator("article").validate(value)
    site = value.get("site", "default")
    article = payloads.decode_article(path.read_bytes(), value["article_id"], site)
    written = json.loads(payloads.encode(article))
    validator("article").validate(written)
    assert written == {"site": "default", **value}


@examples("article/invalid")
def test_an_invalid_article_is_rejected_for_the_reason_in_its_name(path: Path) -> None:
    body = path.read_bytes()
    reason = path.name.split(".")[-2]
    article_id, site = "a", "default"
    if reason not in BESIDE_THE_SCHEMA:
        value = json.loads(body)
        assert not validator("article").is_valid(value)
        article_id, site = value["article_id"], value.get("site", site)
    with pytest.raises(InvalidEvent) as raised:
        payloads.decode_article(body, article_id, site)
    assert raised.value.reason == reason


def pixel_event(path: Path) -> Rejection | bytes:
    return pixel.event(URL.build(query_string=path.read_text().strip(), encoded=True).query)


@examples("pixel/valid", "*.query")
def test_a_valid_pixel_is_a_valid_view(path: Path) -> None:
    event = pixel_event(path)
    assert isinstance(event, bytes)
    validator("event").validate(json.loads(event))
    decoded = decode(event, may_take_back=False, max_events=1)
    assert [each.type for each in decoded.events] == ["view"]


@examples("pixel/invalid", "*.query")
def test_an_invalid_pixel_is_rejected_for_the_reason_in_its_name(path: Path) -> None:
    event = pixel_event(path)
    if isinstance(event, bytes):
        assert not validator("event").is_valid(json.loads(event))
        (event,) = decode(event, may_take_back=False, max_events=1).rejected
    assert event.reason == path.name.split(".")[-2]


@examples("placement/valid")
def test_a_valid_decision_is_valid_to_all_three(path: Path) -> None:
    value = json.loads(path.read_bytes())
    validator("placement").validate(value)
    article_id, site, by = value["article_id"], value.get("site", "default"), value.pop("by")
    decision = payloads.decode_placement(json.dumps(value).encode(), article_id, site, by)
    written = payloads.encode(decision)
    assert json.loads(written) == {"site": "default", **value, "by": by}
    validator("placement").validate(json.loads(written))
    for record in (written, path.read_bytes()):
        change(placement_key(site, article_id), record, timestamp=1, offset=1)


@examples("placement/invalid")
def test_an_invalid_decision_is_refused_for_the_reason_in_its_name(path: Path) -> None:
    body, reason = path.read_bytes(), path.name.split(".")[-2]
    article_id, site = "a", "default"
    if reason != "syntax":
        value = json.loads(body)
        assert validator("placement").is_valid(value) == (reason == "contradiction")
        article_id, site = value["article_id"], value.get("site", site)
        del value["by"]
        body = json.dumps(value).encode()
    with pytest.raises(InvalidEvent):
        change(placement_key(site, article_id), path.read_bytes(), timestamp=1, offset=1)
    if not path.name.startswith("by-"):
        with pytest.raises(InvalidEvent) as raised:
            payloads.decode_placement(body, article_id, site, "by")
        assert raised.value.reason == reason


def test_who_decides_is_not_said_in_a_request() -> None:
    with pytest.raises(InvalidEvent):
        payloads.decode_placement(b'{"hidden":true,"by":"somebody else"}', "a", "default", "by")


def test_the_openapi_document_says_what_the_schemas_say() -> None:
    documented = openapi("collector")["components"]["schemas"]
    event = validator("event").schema
    assert isinstance(event, dict)
    for member in ("type", "properties", "required", "additionalProperties", "if", "then"):
        assert documented["Event"][member] == event[member]
    article = validator("article").schema
    assert isinstance(article, dict)
    assert documented["ArticleBody"]["properties"] == article["properties"]
    placement = validator("placement").schema
    assert isinstance(placement, dict)
    said = placement["properties"]
    by = said.pop("by")
    assert documented["PlacementBody"]["properties"] == said
    assert documented["Placement"]["properties"]["by"] == by
