"""The client without a server: encoding, backoff, outcomes of responses, arguments."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from mostread.client import Client
from mostread.client.backoff import MAX_SECONDS, delay, parse_retry_after
from mostread.client.client import HALF_HOUR_MS, encode_line
from mostread.client.transport import (
    USER_AGENT,
    Fatal,
    Outcome,
    Retryable,
    Settled,
    Transport,
    parse_response,
)
from mostread.core.bots import BotRule

NOW = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)
VIEW: dict[str, object] = {"type": "view", "article_id": "a"}


def sent(event: dict[str, object], key: str | None = "token") -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(encode_line(event, key=key))
    return fields


def test_encode_line_adds_missing_id_and_timestamp() -> None:
    one, other = sent(VIEW), sent(VIEW)
    assert one["id"] != other["id"]
    assert abs(one["timestamp"] / 1000 - datetime.now(UTC).timestamp()) < 100
    given = {**VIEW, "id": "mine", "timestamp": 1_795_461_787_364, "title": "статья"}
    assert sent(given) == given
    assert VIEW.keys() == {"type", "article_id"}


def test_event_id_of_a_view_with_visitor_is_constant_for_half_an_hour() -> None:
    view = {**VIEW, "visitor": "v", "timestamp": 1_000_000 * HALF_HOUR_MS}
    same = sent(view)["id"]
    assert sent({**view, "timestamp": 1_000_001 * HALF_HOUR_MS - 1})["id"] == same
    assert sent({**view, "site": "default"})["id"] == same
    others = [
        {**view, "timestamp": 1_000_001 * HALF_HOUR_MS},
        {**view, "visitor": "w"},
        {**view, "article_id": "b"},
        {**view, "site": "s"},
        {**view, "type": "like"},
    ]
    ids = {same, sent(view, key="other")["id"], *(sent(other)["id"] for other in others)}
    assert len(ids) == 7
    assert sent({**view, "type": "like"})["id"] != sent({**view, "type": "like"})["id"]


def test_view_with_visitor_without_a_token_leaves_its_id_to_the_collector() -> None:
    assert "id" not in sent({**VIEW, "visitor": "v"}, key=None)
    assert sent({**VIEW, "visitor": "v", "id": "mine"}, key=None)["id"] == "mine"
    assert sent(VIEW, key=None)["id"] != sent(VIEW, key=None)["id"]


def test_encode_line_cleans_the_article_id() -> None:
    assert sent({**VIEW, "article_id": " cafe\u0301\n"})["article_id"] == "café"


@pytest.mark.parametrize(
    "event",
    [
        {**VIEW, "article_id": b"a"},
        {**VIEW, "article_id": "\ud800"},
        {**VIEW, "timestamp": float("nan")},
        {**VIEW, "timestamp": 1_795_461_787},
        {**VIEW, "timestamp": 1_795_461_787_364_000},
        {**VIEW, "article_id": "x" * 129},
        {**VIEW, "article_id": "a\u202eb"},
        {**VIEW, "visitor": "x" * 20_000},
    ],
)
def test_encode_line_raises_for_events_that_are_not_json(event: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_line(event, key="token")


def test_delay_grows_and_respects_retry_after() -> None:
    for attempts in range(1, 2000):
        upper = min(MAX_SECONDS, 0.5 * 2.0 ** min(attempts - 1, 10))
        assert upper / 2 <= delay(attempts, 0) <= upper
    assert delay(1, 7) == 7


@pytest.mark.parametrize("retry_after", [3600, 99_999, float("inf")])
def test_delay_is_at_most_a_minute(retry_after: float) -> None:
    assert delay(1, retry_after) == 60


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("2", 2),
        ("Mon, 23 Nov 2026 14:04:05 GMT", 60),
        ("Mon, 23 Nov 2026 14:00:00 GMT", 0),
        ("soon", 0),
        ("-1", 0),
    ],
)
def test_parse_retry_after_accepts_seconds_and_dates(header: str | None, seconds: float) -> None:
    assert parse_retry_after(header, NOW) == seconds


ACCEPTED = {"accepted": 1, "dropped": 1, "rejected": [{"index": 2, "reason": "r", "detail": "d"}]}


def problem(name: str) -> dict[str, str]:
    return {"type": f"urn:mostread:problem:{name}"}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (202, ACCEPTED, Settled(1, 1, ["r: d"])),
        (400, {"rejected": ACCEPTED["rejected"] * 3}, Settled(0, 0, ["r: d"] * 3)),  # type: ignore[operator]
        # Responses of another server, or about other events.
        (202, {}, Retryable("", maybe_accepted=True, retry_after=3)),
        (202, {**ACCEPTED, "accepted": 7}, Retryable("", maybe_accepted=True, retry_after=3)),
        (200, "<html>", Retryable("", maybe_accepted=True, retry_after=3)),
        (400, {"rejected": [1, 2, 3]}, Fatal("", maybe_accepted=False)),
        (400, {}, Fatal("", maybe_accepted=False)),
        (401, {}, Fatal("", maybe_accepted=False)),
        (404, [], Fatal("", maybe_accepted=False)),
        (413, {}, Fatal("", maybe_accepted=False)),
        (429, {}, Retryable("", maybe_accepted=False, retry_after=3)),
        (500, None, Retryable("", maybe_accepted=True, retry_after=3)),
        (502, "bad gateway", Retryable("", maybe_accepted=True, retry_after=3)),
        (503, problem("outcome-unknown"), Retryable("", maybe_accepted=True, retry_after=3)),
        (503, problem("kafka-unavailable"), Retryable("", maybe_accepted=False, retry_after=3)),
        (503, problem("overloaded"), Retryable("", maybe_accepted=False, retry_after=3)),
    ],
)
def test_parse_response_returns_the_outcome(status: int, body: object, outcome: Outcome) -> None:
    content = json.dumps(body).encode()
    if not isinstance(outcome, Settled):
        error = f"{status}: {content.decode()}"
        outcome = type(outcome)(**{**vars(outcome), "error": error})
    assert parse_response(3, status, "3", content) == outcome
    if isinstance(body, dict) and status not in (202, 400):
        truncated = parse_response(3, status, "3", content[:-1])
        assert type(truncated) is type(outcome)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("collect.example.com", {}),
        ("ftp://example.com", {}),
        ("http://:8081", {}),
        ("http://example.com:port", {}),
        ("http://пример.example", {}),
        ("https://example.com?site=news", {}),
        ("https://example.com/#x", {}),
        ("https://user:secret@example.com", {}),
        ("https://example.com/a b", {}),
        ("https://example.com\n", {}),
        ("http://example.com", {"token": "a\nb"}),
        ("http://example.com", {"queue_size": 0}),
        ("http://example.com", {"when_full": "wait"}),
    ],
)
def test_client_raises_for_invalid_arguments(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"address|[Pp]ort|token|queue_size"):
        Client(url, **options)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://collect.example.com", "/v1/events"),
        ("https://collect.example.com/", "/v1/events"),
        ("https://collect.example.com/v1/events", "/v1/events"),
        ("https://collect.example.com/v1/events/", "/v1/events"),
        ("https://news.example/collect/", "/collect/v1/events"),
        ("https://news.example/collect/v1/events", "/collect/v1/events"),
        ("HTTP://[::1]:8081", "/v1/events"),
    ],
)
def test_url_may_be_that_of_the_collector_or_its_endpoint(url: str, path: str) -> None:
    transport = Transport(url, None, timeout=1)
    assert urlsplit(transport.url).path == path


def test_user_agent_is_not_a_bot() -> None:
    assert not BotRule().bot_pattern(USER_AGENT)


def test_client_imports_only_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import mostread.client; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "mostread.client" in loaded
    third_party = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in third_party if not name.startswith("mostread.client")} == {
        "mostread",
        "mostread.core",
        "mostread.core.article_ids",
    }
