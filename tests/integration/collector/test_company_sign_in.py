"""Decisions of people whom nginx has signed in, and everything a client may try past it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from tests.support import company
from tests.support.http import every
from tests.support.system import System

KEY = "a secret that both services know"
CHIEF = {"X-Forwarded-Email": "chief@news.example", "X-Forwarded-Groups": "newsroom"}
PLACEMENT = "/v1/articles/2026%2F11%2Fa/placement"

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Person:
    """A browser at nginx with a session at the identity provider, and its pages' headers."""

    def __init__(self, url: str, http: aiohttp.ClientSession, session: str = "") -> None:
        self._url = url
        self._http = http
        self._headers = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
        if session:
            self._headers["Cookie"] = f"_oauth2_proxy={session}"

    async def ask(
        self, path: str, method: str = "GET", body: object = None, **headers: str
    ) -> tuple[int, str]:
        async with self._http.request(
            method, self._url + path, json=body, headers={**self._headers, **headers}
        ) as answer:
            return answer.status, await answer.text()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("company")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(
    kafka: LocalKafka, clickhouse: LocalClickHouse, directory: Path
) -> AsyncIterator[str]:
    system = System(kafka.brokers, clickhouse.url, f"company_{uuid4().hex[:6]}", directory)
    system.init()
    try:
        collector = system.service("collector", MOSTREAD_COLLECTOR_SESSION_SECRET=KEY)
        ranking = system.service(
            "ranking",
            **company.SETTINGS,
            MOSTREAD_RANKING_SESSION_SECRET=f"{KEY},{KEY[::-1]}",
            MOSTREAD_RANKING_COLLECTOR_URL=collector.url,
        )
        for service in (collector, ranking, system.service("aggregator")):
            service.wait_ready()
        async with company.company(directory, ranking.port) as url:
            yield url
    finally:
        system.end()


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def changes(directory: Path, service: str, request: str) -> list[dict[str, object]]:
    """Return the changes that a service has logged for a request."""
    [log] = directory.glob(f"{service}-*.log")
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"change"' in line]
    return [line for line in lines if line["request_id"] == request]


async def test_decision_is_logged_in_the_name_that_the_proxy_gives(
    url: str, http: aiohttp.ClientSession, directory: Path
) -> None:
    aigerim = Person(url, http, "session of aigerim")
    status, text = await aigerim.ask("/v1/session")
    assert (status, json.loads(text)["name"]) == (200, "aigerim@news.example")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    status, text = await aigerim.ask(
        PLACEMENT,
        "PUT",
        {"hidden": True, "reason": "Шұғыл"},
        traceparent=f"00-{trace}-00f067aa0ba902b7-01",
    )
    assert (status, json.loads(text)["by"]) == (200, "aigerim@news.example")
    for service, path, signed_in_by in (
        ("ranking", "/v1/articles/{article_id}/placement", "proxy"),
        ("collector", "/v1/placement", "ranking"),
    ):
        [line] = changes(directory, service, trace)
        assert (line["action"], line["signed_in_by"]) == (f"PUT {path}", signed_in_by)
        assert (line["by"], line["role"]) == ("aigerim@news.example", "editor")
        assert (line["site"], line["articles"]) == ("default", ["2026/11/a"])
        assert (line["outcome"], line["status"]) == ("done", 200)
    assert (await aigerim.ask(PLACEMENT, "DELETE"))[0] == 204
    async for _ in every(0.1):
        status, text = await aigerim.ask("/v1/articles/2026%2F11%2Fa/placements")
        if status == 200 and len(items := json.loads(text)["items"]) == 2:
            break
    assert [item["by"] for item in items] == ["aigerim@news.example"] * 2
    status, text = await aigerim.ask(PLACEMENT, "PUT", {"hiden": True})
    assert (status, "unknown field `hiden`" in text) == (400, True)
    status, text = await aigerim.ask(PLACEMENT, "PUT", {"hidden": True, "by": "somebody else"})
    assert (status, "unknown field `by`" in text) == (400, True)


async def test_viewer_reads_and_decides_nothing(url: str, http: aiohttp.ClientSession) -> None:
    sam = Person(url, http, "session of sam")
    status, text = await sam.ask("/")
    assert (status, "sam@news.example" in text, 'class=" editor"' in text) == (200, True, False)
    # Headers of the client do not reach the service beside those of nginx, nor instead of them.
    for headers in ({}, CHIEF, {"X-Mostread-Proxy-Secret": company.SECRET}):
        assert (await sam.ask(PLACEMENT, "PUT", {"hidden": True}, **headers))[0] == 403


async def test_client_without_a_session_gets_a_page_that_leads_to_the_companys_sign_in(
    url: str, http: aiohttp.ClientSession
) -> None:
    for session in ("", "forged"):
        nobody = Person(url, http, session)
        for headers in ({}, CHIEF):
            status, text = await nobody.ask("/?window=7d", **headers)
            assert (status, "/oauth2/start?rd=%2F%3Fwindow%3D7d" in text) == (401, True)
            assert (await nobody.ask(PLACEMENT, "PUT", {"hidden": True}, **headers))[0] == 401


async def test_link_lets_a_client_without_an_account_read(
    url: str, http: aiohttp.ClientSession
) -> None:
    aigerim = Person(url, http, "session of aigerim")
    made = json.loads((await aigerim.ask("/v1/links", "POST", {"page": "?window=7d"}))[1])
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        status, text = await Person(url, browser).ask(f"/{made['path']}")
        assert (status, 'name="token"' in text) == (200, False)


async def test_public_paths_know_nobody_by_headers_of_the_client(
    url: str, http: aiohttp.ClientSession
) -> None:
    nobody = Person(url, http)
    assert (await nobody.ask("/v1/most-read", **CHIEF))[0] == 200
    assert (await nobody.ask("/v1/most-read?undescribed=1", **CHIEF))[0] == 401
    guess = CHIEF | {"X-Mostread-Proxy-Secret": "guess"}
    assert (await nobody.ask("/v1/most-read?undescribed=1", **guess))[0] == 401


async def test_foreign_page_cannot_decide_with_the_companys_session(
    url: str, http: aiohttp.ClientSession
) -> None:
    aigerim = Person(url, http, "session of aigerim")
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    status, text = await aigerim.ask(PLACEMENT, "PUT", {"hidden": True}, **foreign)
    assert (status, "Only pages of this service" in text) == (403, True)
