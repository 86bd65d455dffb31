"""A browser for all tests of a file, and a site with editors for all files."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from tests.support.browser import QUIET
from tests.support.editing import HOSTILE, KNOWN, SECRET, EditedSite
from tests.support.system import System, wait_until
from tests.support.tools import tool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=tool("chromium"), args=QUIET)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of its own; what a script of it throws fails the test, and what a title does."""
    context = await browser.new_context()
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = await context.new_page()
    yield page
    assert await page.title() != "hit"
    await context.close()
    assert errors == []


@pytest.fixture(scope="session")
def editing(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EditedSite]:
    name = f"editor_{uuid4().hex[:6]}"
    system = System(kafka.brokers, clickhouse.url, name, tmp_path_factory.mktemp("editor"))
    system.init()
    collector = system.service(
        "collector",
        MOSTREAD_COLLECTOR_TOKENS=KNOWN,
        MOSTREAD_COLLECTOR_SESSION_SECRET=SECRET,
    )
    aggregator = system.service("aggregator")
    ranking = system.service(
        "ranking",
        MOSTREAD_RANKING_TOKENS=KNOWN,
        MOSTREAD_RANKING_COLLECTOR_URL=collector.url,
        MOSTREAD_RANKING_SESSION_SECRET=SECRET,
        MOSTREAD_RANKING_LISTED="described",
    )
    for service in (collector, aggregator, ranking):
        service.wait_ready()
    yield EditedSite(system, collector, ranking)
    system.end()


@pytest.fixture
def edited(editing: EditedSite) -> EditedSite:
    edited = replace(editing, site=f"site-{uuid4().hex[:8]}")
    for article_id, title in {"a": "Қар жауды", "b": HOSTILE, "c": "Ёлка"}.items():
        edited.send("cms", "PUT", f"/v1/articles/{article_id}", {"title": title})
    edited.send(
        "emit",
        "POST",
        "/v1/events",
        [{"type": "view", "site": edited.site, "article_id": each} for each in "aaabbc"],
    )
    wait_until(lambda: edited.listed() == 3, "all three are listed")
    return edited
