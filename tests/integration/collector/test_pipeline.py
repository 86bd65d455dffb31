"""Filters and enrichment of a running collector, checked against the events topic.

Requests come through a trusted proxy on loopback, so each test uses its own client addresses.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mostread.core.events import Event
from mostread.core.retention import VIEW_SLOT_MS
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import Role, Token, hash_token
from tests.support.collector import TOKENS, Collecting, collecting

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PIXEL = "/v1/pixel.gif"


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens") / "tokens"


@pytest.fixture(scope="module")
def running(
    kafka: LocalKafka, tokens: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collecting]:
    with collecting(
        kafka.brokers,
        tmp_path_factory.mktemp("collector"),
        trusted_proxies="127.0.0.0/8",
        origins="https://news.example",
        visitor_secret="a secret of this test, which is long",
        tokens_file=str(tokens),
    ) as collector:
        yield collector


@pytest.fixture
async def http(running: Collecting) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(running.url) as session:
        yield session


def by(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[role]}"}


async def post(
    http: aiohttp.ClientSession,
    *events: dict[str, Any],
    at: str = "198.51.100.1",
    query: str = "",
    **headers: str,
) -> tuple[int, int, str | None]:
    """Return the numbers of accepted and dropped events, and X-Mostread-Dropped."""
    renamed = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.post(
        f"/v1/events{query}", json=list(events), headers={"X-Forwarded-For": at, **renamed}
    ) as response:
        assert response.status == 202
        result = await response.json()
        return result["accepted"], result["dropped"], response.headers.get("X-Mostread-Dropped")


async def logged(running: Collecting, article: str) -> list[Event]:
    events = await asyncio.to_thread(running.events)
    return [event for event in events if event.article_id == article]


async def test_reload_has_the_same_view_id_and_no_address_is_stored(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    half_hour = time.time_ns() // 1_000_000 // VIEW_SLOT_MS * VIEW_SLOT_MS
    view = {"type": "view", "article_id": "reload", "timestamp": half_hour}
    for at, browser in (
        ("198.51.100.77", "A"),
        ("198.51.100.77", "A"),
        ("6.6.6.6, 198.51.100.77", "A"),
        ("198.51.100.77", "B"),
        ("198.51.100.78", "A"),
    ):
        assert await post(http, view, at=at, User_Agent=browser) == (1, 0, None)
    events = await logged(running, "reload")
    assert sorted([event.id for event in events].count(event.id) for event in events) == [
        1,
        1,
        3,
        3,
        3,
    ]
    assert len({event.visitor for event in events}) == 3
    records = await asyncio.to_thread(running.records, running.kafka.events_topic)
    assert all(b"198.51.100" not in (value or b"") for _, _, value in records)


async def test_drop_reasons_are_counted_and_reported_to_tokens_only(
    http: aiohttp.ClientSession,
) -> None:
    view = {"type": "view", "article_id": "dropped"}
    bot = {"User_Agent": GOOGLEBOT}
    page = {"Origin": "https://other.example"}
    assert await post(http, view, view, **bot) == (0, 2, None)
    assert await post(http, view, view, **bot, **by("cms")) == (0, 2, "bot=2")
    assert await post(http, view, **bot, **page, **by("editor")) == (0, 1, "origin=1")
    assert await post(http, view, **bot, **page, **by("emit")) == (1, 0, None)
    assert await post(http, view, Origin="https://news.example") == (1, 0, None)
    async with http.get("/metrics") as answer:
        text = await answer.text()
    assert 'events_total{outcome="dropped",reason="bot"} 4.0' in text
    assert 'events_total{outcome="dropped",reason="origin"} 1.0' in text


async def test_rate_limit_drops_events_beyond_the_burst(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    # A burst of ten minutes' worth: 200 per visitor and 1,000 per address.
    lines = [{"type": "view", "article_id": "rate", "id": f"rate-{n}"} for n in range(500)]
    at = "203.0.113.9"
    assert await post(http, *lines, at=at, User_Agent="A") == (200, 300, None)
    results = [await post(http, *lines, at=at, User_Agent=f"B{n}") for n in range(5)]
    # The limit has refilled since, by less than a minute's worth.
    assert 1000 <= sum(accepted for accepted, _, _ in results) + 200 < 1100
    accepted, dropped, reasons = await post(http, *lines, at=at, User_Agent="C", **by("cms"))
    assert accepted < 100
    assert reasons == f"rate_limit={dropped}"
    assert await post(http, *lines, at=at, **by("emit")) == (500, 0, None)
    assert (await post(http, lines[0], at="203.0.113.10"))[0] == 1


async def test_sent_at_corrects_the_clients_clock(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    clock = 946_684_800_000  # the start of the year 2000
    before = time.time_ns() // 1_000_000
    view = {"type": "view", "article_id": "clock", "timestamp": clock - 60_000}
    assert await post(http, view, query=f"?sent_at={clock}") == (1, 0, None)
    after = time.time_ns() // 1_000_000
    (event,) = await logged(running, "clock")
    assert event.timestamp is not None
    assert before <= event.timestamp + 60_000 <= after


@pytest.mark.parametrize("text", ["now", "", "-1", "1.5", "1795461787", "99999999999999", "٣"])
async def test_invalid_sent_at_is_a_problem(http: aiohttp.ClientSession, text: str) -> None:
    view = {"type": "view", "article_id": "a"}
    async with http.post("/v1/events", params={"sent_at": text}, json=view) as answer:
        assert answer.status == 400
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        problem = await answer.json(content_type=None)
    assert problem["type"] == "urn:mostread:problem:invalid-sent-at"
    assert "Date.now()" in problem["detail"]


async def test_pixel_counts_a_view(running: Collecting, http: aiohttp.ClientSession) -> None:
    query = {"article_id": "дала/1", "site": "news", "type": "view", "id": "mail-7", "u": "x"}
    headers = {"Referer": "https://news.example/дала"}
    async with http.get(PIXEL, params=query, headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "image/gif"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        gif = await answer.read()
    assert len(gif) == 43
    assert gif[:6] == b"GIF89a"
    (event,) = await logged(running, "дала/1")
    assert (event.type, event.site, event.id) == ("view", "news", "~mail-7")


async def test_pixel_returns_the_image_for_dropped_views(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    for headers, reasons, pattern in (
        ({"User-Agent": GOOGLEBOT}, None, None),
        ({"User-Agent": GOOGLEBOT, **by("cms")}, "bot=1", "Googlebot"),
        ({"User-Agent": "", **by("cms")}, "bot=1", "no user agent"),
        ({"Sec-Purpose": "prefetch", **by("cms")}, "prefetch=1", None),
        ({"Referer": "https://other.example/page", **by("cms")}, "origin=1", None),
    ):
        async with http.get(f"{PIXEL}?article_id=unseen", headers=headers) as answer:
            assert (answer.status, len(await answer.read())) == (200, 43)
            assert answer.headers.get("X-Mostread-Dropped") == reasons
            assert answer.headers.get("X-Mostread-Bot") == pattern
    async with http.get("/metrics") as answer:
        assert 'mostread_collector_bot_events_total{pattern="Googlebot"}' in await answer.text()
    async with http.head(f"{PIXEL}?article_id=unseen") as answer:
        assert answer.status == 405
    assert await logged(running, "unseen") == []


@pytest.mark.parametrize("query", ["", "article_id=a&type=like", "article_id=%ff%00", "site=a"])
async def test_pixel_with_invalid_query_is_a_problem(
    http: aiohttp.ClientSession, query: str
) -> None:
    async with http.get(f"{PIXEL}?{query}") as answer:
        assert answer.status == 400
        problem = await answer.json(content_type=None)
        assert problem["type"] == "urn:mostread:problem:no-valid-event"
        assert problem["rejected"][0]["detail"]


async def test_tokens_file_changes_apply_without_restart(
    http: aiohttp.ClientSession, tokens: Path
) -> None:
    async def until(status: int) -> None:
        async with asyncio.timeout(30):
            while True:
                async with http.put(
                    "/v1/articles/a", json={"title": "A"}, headers={"Authorization": "Bearer new"}
                ) as answer:
                    if answer.status == status:
                        return
                await asyncio.sleep(0.1)

    await until(401)
    token_file.update(tokens, lambda _: [Token("new", Role.CMS, hash_token("new"))])
    await until(200)
    await asyncio.to_thread(tokens.write_text, "broken")
    async with asyncio.timeout(30):
        while True:
            async with http.get("/metrics") as answer:
                if "mostread_collector_tokens_file_invalid 1.0" in await answer.text():
                    break
            await asyncio.sleep(0.1)
    await until(200)
    await asyncio.to_thread(tokens.write_text, "")
    await until(401)
