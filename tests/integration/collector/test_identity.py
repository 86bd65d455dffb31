"""Who may send, claim and take back which events: counts of a collector's log."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from mostread.core.records import LogRecord
from mostread.devstack.servers.kafka import LocalKafka
from mostread.ops.audit.reference import recount
from tests.support.collector import TOKENS, Collecting, collecting

READER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
SERVER = {"Authorization": f"Bearer {TOKENS['emit']}"}


@pytest.fixture(scope="module")
def collector(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    with collecting(kafka.brokers, tmp_path_factory.mktemp("collector")) as running:
        yield running


def post(
    collector: Collecting, *events: dict[str, Any], query: str = "", **headers: str
) -> dict[str, Any]:
    """Send events, and return the answer, whatever its status."""
    request = urllib.request.Request(
        f"{collector.url}/v1/events{query}", json.dumps(events).encode(), {**READER, **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


def counted(collector: Collecting, article: str) -> tuple[int, int, int]:
    """Return views, comments and likes of an article in the current day's log."""
    now = time.time_ns() // 1_000_000
    log = collector.records(collector.kafka.events_topic)
    result = recount(LogRecord(n, now, value) for n, (_, _, value) in enumerate(log))
    return result.counters[("default", "total", 0, article)]


def test_servers_events_count_though_readers_sent_their_ids_before(collector: Collecting) -> None:
    numbers = range(4711, 4716)
    for kind in ("view", "comment", "like"):
        claims = [
            {"type": kind, "article_id": "lamps", "id": f"comment-{number}"} for number in numbers
        ]
        assert post(collector, *claims)["accepted"] == 5
    comments = [
        {"type": "comment", "article_id": "lamps", "id": f"comment-{number}"} for number in numbers
    ]
    for _ in range(2):
        assert post(collector, *comments, **SERVER)["accepted"] == 5
    assert counted(collector, "lamps") == (5, 10, 5)


def test_one_id_counts_once_for_each_type_and_article(collector: Collecting) -> None:
    events = [
        {"type": kind, "article_id": article, "id": "5"}
        for kind in ("view", "comment", "like")
        for article in ("first", "second")
    ]
    for _ in range(2):
        assert post(collector, *events)["accepted"] == 6
    assert counted(collector, "first") == counted(collector, "second") == (1, 1, 1)


def test_reader_takes_back_a_like_once_with_its_receipt(collector: Collecting) -> None:
    like = {"type": "like", "article_id": "liked", "id": f"{time.time_ns() // 1_000_000}.1"}
    receipts = post(collector, like, query="?receipts=1")["receipts"]
    assert receipts.keys() == {like["id"]}
    back = {**like, "delta": -1}
    (rejection,) = post(collector, back)["rejected"]
    assert rejection["reason"] == "token_required"
    assert counted(collector, "liked") == (0, 0, 1)
    for _ in range(2):
        answer = post(collector, {**back, "receipt": receipts[like["id"]]})
        assert answer == {"accepted": 1, "dropped": 0, "rejected": []}
    assert counted(collector, "liked") == (0, 0, 0)
    log = collector.records(collector.kafka.events_topic)
    assert not any(b"receipt" in (value or b"") for _, _, value in log)


def test_reader_without_ids_views_once_whatever_times_are_claimed(collector: Collecting) -> None:
    now = time.time_ns() // 1_000_000
    views = [
        {"type": "view", "article_id": "claimed", "timestamp": now - slot * 1_800_000}
        for slot in range(-10, 46)
    ]
    assert post(collector, *views)["accepted"] == 56
    counted_views, _, _ = counted(collector, "claimed")
    assert 1 <= counted_views <= 2  # of this half hour, and of the one before
    visitors = {e.visitor for e in collector.events() if e.article_id == "claimed"}
    assert len(visitors) <= 2  # a half hour after midnight has those of two days


def test_reasons_of_drops_are_reported_to_developers_and_clients_with_a_token(
    collector: Collecting,
) -> None:
    bot = {"User-Agent": "Googlebot/2.1"}
    view = {"type": "view", "article_id": "dropped"}
    for origin in ("http://localhost:3000", "http://127.0.0.1", "https://shop.localhost"):
        answer = post(collector, view, **bot, Origin=origin)
        assert answer == {"accepted": 0, "dropped": 1, "rejected": [], "reasons": {"bot": 1}}
    with_token = post(collector, view, **bot, Authorization=f"Bearer {TOKENS['cms']}")
    assert with_token["reasons"]["bot"] == 1
    for origin in ("https://news.example", "https://localhost.example", "null"):
        assert "reasons" not in post(collector, view, **bot, Origin=origin)
