"""Receipts: who may take back a like, when, and where both count."""

import json
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from mostread.collector.config import CollectorSettings
from mostread.collector.pipeline.client_info import ClientInfo
from mostread.collector.pipeline.pipeline import IngestResult, Pipeline
from mostread.infra.auth.tokens import Role
from tests.support.http import FakeHeaders

NOW = 1_795_461_787_364
MINUTE = 60_000
LIKE: dict[str, Any] = {"type": "like", "article_id": "a", "id": f"{NOW}.5"}


@pytest.fixture(name="pipeline")
def _pipeline() -> Pipeline:
    secret = SecretStr("a secret of this test, which is long")
    return Pipeline(CollectorSettings(collector_visitor_secret=secret))


def process(
    pipeline: Pipeline,
    *events: dict[str, Any],
    now: int = NOW,
    receipts: bool = False,
    role: Role | None = None,
    user_agent: str = "Firefox/140",
) -> IngestResult:
    client = ClientInfo("198.51.100.1", FakeHeaders({"User-Agent": user_agent}), role)
    client.wants_receipts = receipts
    return pipeline.process(json.dumps(events).encode(), client, now)


def receipt_of(pipeline: Pipeline, like: dict[str, Any], now: int = NOW) -> str:
    receipts = process(pipeline, like, now=now, receipts=True).receipts
    assert receipts is not None
    return receipts[like["id"]]


def retraction(like: dict[str, Any], receipt: str) -> dict[str, Any]:
    return {**like, "delta": -1, "receipt": receipt}


def test_like_and_its_retraction_count_a_minute_before_the_time_in_the_id(
    pipeline: Pipeline,
) -> None:
    like = {**LIKE, "timestamp": NOW - 20 * 3600 * 1000}
    accepted = process(pipeline, like, now=NOW + MINUTE, receipts=True)
    (liked,) = accepted.events
    assert (liked.id, liked.timestamp) == (f"~~{NOW}.5", NOW - MINUTE)
    later = {**retraction(like, receipt_of(pipeline, LIKE)), "timestamp": NOW + MINUTE}
    (taken_back,) = process(pipeline, later, now=NOW + 20 * MINUTE).events
    assert (taken_back.id, taken_back.timestamp, taken_back.delta) == (liked.id, NOW - MINUTE, -1)


def test_like_by_a_clock_that_is_ahead_does_not_count_in_the_future(pipeline: Pipeline) -> None:
    (liked,) = process(pipeline, LIKE, now=NOW - MINUTE, receipts=True).events
    assert liked.timestamp == NOW - MINUTE


def test_line_of_the_log_contains_no_receipt(pipeline: Pipeline) -> None:
    sent = retraction(LIKE, receipt_of(pipeline, LIKE))
    (event,) = process(pipeline, sent).events
    assert "receipt" not in msgspec.json.decode(msgspec.json.encode(event))


def test_receipts_are_those_of_accepted_likes(pipeline: Pipeline) -> None:
    view = {"type": "view", "article_id": "a", "id": f"{NOW}.6"}
    result = process(pipeline, LIKE, view, {**LIKE, "article_id": ""}, receipts=True)
    assert list(result.receipts or {}) == [LIKE["id"]]
    assert [event.id for event in result.events] == [f"~~{NOW}.5", f"~{NOW}.6"]
    bot = process(pipeline, LIKE, receipts=True, user_agent="Googlebot/2.1")
    assert (bot.receipts, bot.events) == ({}, [])
    assert process(pipeline, LIKE).receipts is None


@pytest.mark.parametrize(
    ("change", "now"),
    [
        ({"receipt": ""}, NOW),
        ({"receipt": "0" * 32}, NOW),
        ({"receipt": "ё" * 32}, NOW),
        ({"article_id": "b"}, NOW),
        ({"site": "news"}, NOW),
        ({"id": f"{NOW}.6"}, NOW),
        ({"type": "comment"}, NOW),
        ({}, NOW + 25 * MINUTE + 1),
        ({}, NOW - MINUTE - 1),
    ],
)
def test_receipt_is_void_for_another_event_or_time(
    pipeline: Pipeline, change: dict[str, Any], now: int
) -> None:
    sent = retraction(LIKE, receipt_of(pipeline, LIKE))
    assert process(pipeline, sent).rejected == []
    (rejection,) = process(pipeline, {**sent, **change}, now=now).rejected
    assert rejection.reason == "token_required"


def test_view_cannot_be_taken_back_with_a_receipt(pipeline: Pipeline) -> None:
    sent = {**retraction(LIKE, receipt_of(pipeline, LIKE)), "type": "view"}
    (rejection,) = process(pipeline, sent).rejected
    assert rejection.reason == "view_retracted"


def test_receipt_of_another_secret_is_void(pipeline: Pipeline) -> None:
    other = Pipeline(CollectorSettings())
    assert process(pipeline, retraction(LIKE, receipt_of(other, LIKE))).rejected


@pytest.mark.parametrize(
    "event_id",
    [
        None,
        "some-id",
        f"{NOW}1.5",
        f"{NOW // 1000}.5",
        f"{NOW - 25 * MINUTE - 1}.5",
        f"{NOW + MINUTE + 1}.5",
        f"{NOW}.{'5' * 50}",
    ],
)
def test_like_without_the_current_time_in_its_id_gets_no_receipt(
    pipeline: Pipeline, event_id: str | None
) -> None:
    result = process(pipeline, {**LIKE, "id": event_id}, receipts=True)
    assert (result.events, result.receipts) == ([], {})
    assert [rejection.reason for rejection in result.rejected] == ["clock"]
    assert len(process(pipeline, {**LIKE, "id": event_id}).events) == 1


@pytest.mark.parametrize("change", [{"article_id": "b"}, {"site": "news"}])
def test_likes_of_two_articles_with_one_id_get_no_two_receipts(
    pipeline: Pipeline, change: dict[str, str]
) -> None:
    result = process(pipeline, LIKE, LIKE, {**LIKE, **change}, receipts=True)
    assert [event.article_id for event in result.events] == ["a", "a"]
    assert [(each.index, each.reason) for each in result.rejected] == [(2, "schema")]
    assert result.receipts == {LIKE["id"]: receipt_of(pipeline, LIKE)}


@pytest.mark.parametrize("age", [-MINUTE, 0, 25 * MINUTE])
def test_all_copies_of_a_like_are_one_event(pipeline: Pipeline, age: int) -> None:
    first = process(pipeline, LIKE, receipts=True).events
    again = process(pipeline, {**LIKE, "timestamp": NOW}, now=NOW + age, receipts=True).events
    assert [(e.id, e.timestamp) for e in again] == [(e.id, e.timestamp) for e in first]
    assert receipt_of(pipeline, LIKE, NOW + age) == receipt_of(pipeline, LIKE)


def test_server_takes_back_without_receipt_under_its_own_id(pipeline: Pipeline) -> None:
    (event,) = process(pipeline, {**LIKE, "delta": -1, "receipt": "x"}, role=Role.EMIT).events
    assert event.id == LIKE["id"]
