"""What of the client needs no server: its events, its patience, what it makes of an answer."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from crawleruseragents import is_crawler

from mostread.client import Client
from mostread.client.backoff import LONGEST, pause, retry_after
from mostread.client.events import HALF_HOUR_MS, line
from mostread.client.transport import USER_AGENT, Again, Never, Settled, Verdict, _verdict

NOW = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)
VIEW: dict[str, object] = {"type": "view", "article_id": "a"}


def sent(event: dict[str, object], key: str = "") -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(line(event, key=key))
    return whole


def test_an_event_gets_an_id_and_a_time_when_it_is_called_for() -> None:
    one, other = sent(VIEW), sent(VIEW)
    assert one["id"] != other["id"]
    assert abs(one["timestamp"] / 1000 - datetime.now(UTC).timestamp()) < 100
    given = {**VIEW, "id": "mine", "timestamp": 5, "title": "статья"}
    assert sent(given) == given
    assert VIEW.keys() == {"type", "article_id"}


def test_a_view_of_a_known_visitor_has_one_id_for_half_an_hour() -> None:
    view = {**VIEW, "visitor": "v", "timestamp": 100 * HALF_HOUR_MS}
    same = sent(view)["id"]
    assert sent({**view, "timestamp": 101 * HALF_HOUR_MS - 1})["id"] == same
    assert sent({**view, "site": "default"})["id"] == same
    others = [
        {**view, "timestamp": 101 * HALF_HOUR_MS},
        {**view, "visitor": "w"},
        {**view, "article_id": "b"},
        {**view, "site": "s"},
        {**view, "type": "like"},
    ]
    ids = {same, sent(view, key="token")["id"], *(sent(other)["id"] for other in others)}
    assert len(ids) == 7
    assert sent({**view, "type": "like"})["id"] != sent({**view, "type": "like"})["id"]


@pytest.mark.parametrize(
    "event",
    [
        {**VIEW, "article_id": b"a"},
        {**VIEW, "article_id": "\ud800"},
        {**VIEW, "timestamp": float("nan")},
        {**VIEW, "article_id": "x" * 20_000},
    ],
)
def test_what_cannot_be_written_is_refused(event: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        line(event)


def test_it_waits_longer_each_time_and_as_long_as_it_is_told() -> None:
    for attempts in range(1, 2000):
        longest = min(LONGEST, 0.5 * 2.0 ** min(attempts - 1, 10))
        assert longest / 2 <= pause(attempts, 0) <= longest
    assert pause(1, 7) == 7


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
def test_retry_after(header: str | None, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds


ACCEPTED = {"accepted": 1, "dropped": 1, "rejected": [{"index": 2, "reason": "r", "detail": "d"}]}


def problem(name: str) -> dict[str, str]:
    return {"type": f"urn:mostread:problem:{name}"}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (202, ACCEPTED, Settled(1, 1, ["r: d"])),
        (400, {"rejected": ACCEPTED["rejected"] * 3}, Settled(0, 0, ["r: d"] * 3)),  # type: ignore[operator]
        # Another server's, or one that speaks of other events.
        (202, {}, Never("", maybe_kept=True)),
        (202, {**ACCEPTED, "accepted": 7}, Never("", maybe_kept=True)),
        (200, "<html>", Never("", maybe_kept=True)),
        (400, {"rejected": [1, 2, 3]}, Never("", maybe_kept=False)),
        (400, {}, Never("", maybe_kept=False)),
        (301, {}, Never("", maybe_kept=False)),
        (401, {}, Never("", maybe_kept=False)),
        (404, [], Never("", maybe_kept=False)),
        (413, {}, Never("", maybe_kept=False)),
        (429, {}, Again("", maybe_kept=False, retry_after=3)),
        (500, None, Again("", maybe_kept=True, retry_after=3)),
        (502, "bad gateway", Again("", maybe_kept=True, retry_after=3)),
        (503, problem("outcome-unknown"), Again("", maybe_kept=True, retry_after=3)),
        (503, problem("kafka-unavailable"), Again("", maybe_kept=False, retry_after=3)),
        (503, problem("overloaded"), Again("", maybe_kept=False, retry_after=3)),
    ],
)
def test_what_an_answer_means(status: int, body: object, verdict: Verdict) -> None:
    content = json.dumps(body).encode()
    if not isinstance(verdict, Settled):
        verdict = type(verdict)(**{**vars(verdict), "said": f"{status}: {content.decode()}"})
    assert _verdict(3, status, "3", content) == verdict
    if isinstance(body, dict) and status not in (202, 400):
        cut = _verdict(3, status, "3", content[:-1])
        assert type(cut) is type(verdict)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("collect.example.com", {}),
        ("ftp://example.com", {}),
        ("http://:8081", {}),
        ("http://example.com:port", {}),
        ("http://пример.example", {}),
        ("http://example.com", {"token": "a\nb"}),
        ("http://example.com", {"queue_size": 0}),
        ("http://example.com", {"when_full": "wait"}),
    ],
)
def test_what_makes_no_client(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"address|[Pp]ort|token|queue_size"):
        Client(url, **options)


def test_what_it_calls_itself_is_no_bot() -> None:
    assert not is_crawler(USER_AGENT)


def test_it_imports_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import mostread.client; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "mostread.client" in loaded
    ours = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in ours if not name.startswith("mostread.client")} == {"mostread"}
