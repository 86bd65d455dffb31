"""JSON Schema and the collector's decoders agree on every file of schemas/examples."""

import json
import re
from pathlib import Path
from typing import cast

import pytest
from jsonschema import Draft202012Validator

from mostread.collector.api import payloads, pixel
from mostread.collector.api.payloads import Ids
from mostread.collector.pipeline.decoder import decode
from mostread.collector.pipeline.event import SentEvent
from mostread.core.editorial.placements import placement_key
from mostread.core.editorial.records import decode_change
from mostread.core.ranking.windows import CURRENT
from mostread.errors import InvalidArticle, InvalidEvent, InvalidPlacement, NoValidEvent
from mostread.infra.auth.tokens import Role, Token, hash_token
from mostread.infra.http.messages import parse_query
from mostread.infra.schemas import DIRECTORY, openapi

CMS = Token("our-cms", Role.CMS, hash_token("x"))
EXAMPLES = DIRECTORY / "examples"
NOT_IN_SCHEMA = {"syntax", "duplicate_field", "contradiction"}


def always(_: SentEvent) -> bool:
    return True


def never(_: SentEvent) -> bool:
    return False


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((DIRECTORY / f"{name}.schema.json").read_text()))


def examples(folder: str, pattern: str = "*.json") -> pytest.MarkDecorator:
    paths = sorted((EXAMPLES / folder).glob(pattern))
    assert paths
    paths = [path for path in paths if not path.name.endswith(".rejected.json")]
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


def shapes(body: bytes) -> list[bytes]:
    """Return the event as an object, in an array, and as a line with blank lines around it."""
    line = body.strip().replace(b"\n", b" ")
    return [body, b"[" + line + b"]", line, b"\n" + line + b"\n"]


@examples("event/valid")
def test_valid_event_passes_schema_and_decoder(path: Path) -> None:
    body = path.read_bytes()
    validator("event").validate(json.loads(body))
    for shape in shapes(body):
        decoded = decode(
            shape, may_retract=always if ".token." in path.name else never, max_events=1
        )
        assert len(decoded.events) == 1
        assert decoded.rejected == []


@examples("event/valid", "*.token.json")
def test_retraction_is_rejected_without_token(path: Path) -> None:
    decoded = decode(path.read_bytes(), may_retract=never, max_events=1)
    assert decoded.events == []
    assert [rejection.reason for rejection in decoded.rejected] == ["token_required"]


@examples("event/invalid")
def test_invalid_event_is_rejected_for_the_reason_in_its_name(path: Path) -> None:
    body = path.read_bytes()
    reason = path.name.split(".")[-2]
    if reason not in NOT_IN_SCHEMA:
        assert not validator("event").is_valid(json.loads(body))
    for shape in shapes(body):
        decoded = decode(shape, may_retract=always, max_events=1)
        assert decoded.events == []
        (rejection,) = decoded.rejected
        assert rejection.index == 0
        # If an element is not JSON, neither is its array.
        assert rejection.reason == reason
        assert rejection.detail


@examples("event/valid", "*.ndjson")
def test_valid_ndjson_is_decoded(path: Path) -> None:
    decoded = decode(path.read_bytes(), may_retract=never, max_events=1000)
    assert decoded.rejected == []
    assert len(decoded.events) == len(path.read_text().split())


@examples("event/invalid", "*.ndjson")
def test_invalid_line_rejects_that_line_only(path: Path) -> None:
    decoded = decode(path.read_bytes(), may_retract=never, max_events=1000)
    expected = json.loads(path.with_name(path.name + ".rejected.json").read_text())
    assert [{"index": r.index, "reason": r.reason} for r in decoded.rejected] == expected
    assert len(decoded.events) == len(path.read_text().split("\n\n")[0].split("\n")) - 1


@examples("article/valid")
def test_valid_article_passes_schema_and_decoder(path: Path) -> None:
    value = json.loads(path.read_bytes())
    validator("article").validate(value)
    site = value.get("site", "default")
    article = payloads.decode_article(path.read_bytes(), Ids(value["article_id"], site))
    written = json.loads(article.value)
    validator("article").validate(written)
    assert written == {"site": "default", **value}
    for shape in shapes(path.read_bytes()):
        assert payloads.decode_articles(shape, None, CMS.require_site) == ([article], [])


@examples("article/invalid")
def test_invalid_article_is_rejected_for_the_reason_in_its_name(path: Path) -> None:
    body = path.read_bytes()
    reason = path.name.split(".")[-2]
    article_id, site = "a", "default"
    if reason not in NOT_IN_SCHEMA:
        value = json.loads(body)
        assert not validator("article").is_valid(value)
        article_id, site = value["article_id"], value.get("site", site)
    with pytest.raises(InvalidArticle) as raised:
        payloads.decode_article(body, Ids(article_id, site))
    assert raised.value.reason == reason


def pixel_event(path: Path) -> bytes:
    return pixel.view_from_query(parse_query(path.read_text().strip()))


@examples("pixel/valid", "*.query")
def test_valid_pixel_query_is_a_valid_view(path: Path) -> None:
    event = pixel_event(path)
    validator("event").validate(json.loads(event))
    decoded = decode(event, may_retract=never, max_events=1)
    assert [view.type for view in decoded.events] == ["view"]


@examples("pixel/invalid", "*.query")
def test_invalid_pixel_query_is_rejected_for_the_reason_in_its_name(path: Path) -> None:
    try:
        event = pixel_event(path)
    except NoValidEvent as error:
        (rejection,) = cast(list[dict[str, object]], error.members["rejected"])
        reason = rejection["reason"]
    else:
        assert not validator("event").is_valid(json.loads(event))
        (rejected,) = decode(event, may_retract=never, max_events=1).rejected
        reason = rejected.reason
    assert reason == path.name.split(".")[-2]


@examples("placement/valid")
def test_valid_placement_passes_schema_decoder_and_record_reader(path: Path) -> None:
    value = json.loads(path.read_bytes())
    validator("placement").validate(value)
    article_id, site, by = value["article_id"], value.get("site", "default"), value.pop("by")
    decision = payloads.decode_placement(json.dumps(value).encode(), Ids(article_id, site), by)
    written = payloads.encode(decision)
    assert json.loads(written) == {"site": "default", **value, "by": by}
    validator("placement").validate(json.loads(written))
    for record in (written, path.read_bytes()):
        decode_change(placement_key(site, article_id), record, timestamp=1, offset=1)


@examples("placement/invalid")
def test_invalid_placement_is_rejected_for_the_reason_in_its_name(path: Path) -> None:
    body, reason = path.read_bytes(), path.name.split(".")[-2]
    article_id, site = "a", "default"
    if reason != "syntax":
        value = json.loads(body)
        assert validator("placement").is_valid(value) == (reason == "contradiction")
        article_id, site = value["article_id"], value.get("site", site)
        del value["by"]
        body = json.dumps(value).encode()
    with pytest.raises(InvalidEvent):
        decode_change(placement_key(site, article_id), path.read_bytes(), timestamp=1, offset=1)
    if not path.name.startswith("by-"):
        with pytest.raises(InvalidPlacement) as raised:
            payloads.decode_placement(body, Ids(article_id, site), "by")
        assert raised.value.reason == reason


def test_placement_request_must_not_name_the_editor() -> None:
    with pytest.raises(InvalidPlacement):
        payloads.decode_placement(b'{"hidden":true,"by":"somebody else"}', Ids("a"), "by")


@pytest.mark.parametrize("name", ["event", "article", "placement"])
def test_article_id_pattern_admits_clean_ids_only(name: str) -> None:
    article_id = validator(name).schema["properties"]["article_id"]  # type: ignore[index]
    cases = json.loads((EXAMPLES / "article_ids.json").read_text())
    clean = [case["id"] for case in cases if case["id"] is not None]
    # A pattern cannot tell NFC, and Unicode's other planes and default-ignorable characters would
    # make it longer than it is useful.
    invalid = [
        case["given"]
        for case in cases
        if case["id"] is None
        and re.search(r"[\x00-\x20\x7f-\xa0\u061c\u2000-\u2003]", str(case.get("given")))
    ]
    admits = Draft202012Validator(article_id).is_valid
    assert [text for text in clean if not admits(text)] == []
    assert len(invalid) > 10
    assert [text for text in invalid if admits(text)] == []


def test_openapi_document_equals_the_json_schemas() -> None:
    documented = openapi("collector")["components"]["schemas"]
    event = validator("event").schema
    assert isinstance(event, dict)
    for member in ("type", "properties", "required", "additionalProperties", "if", "then"):
        assert documented["Event"][member] == event[member]
    article = validator("article").schema
    assert isinstance(article, dict)
    in_body = documented["ArticleBody"]["properties"]
    # A record has milliseconds only.
    assert in_body.pop("published_at").keys() == {"description", "oneOf"}
    del article["properties"]["published_at"], article["properties"]["deleted"]
    assert in_body == article["properties"]
    placement = validator("placement").schema
    assert isinstance(placement, dict)
    properties = placement["properties"]
    windows = properties["pinned_in"]["properties"]["windows"]["items"]["enum"]
    assert windows == list(CURRENT)
    by = properties.pop("by")
    assert documented["PlacementBody"]["properties"] == properties
    assert documented["Placement"]["properties"]["by"] == by
