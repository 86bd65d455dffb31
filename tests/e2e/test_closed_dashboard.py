"""A closed dashboard in a browser: signing in, sharing a link, and being signed out."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import Role, Token, hash_token
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.migrations import migrate
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.browser import axe_violations
from tests.support.http import url_of
from tests.support.ranking import FIRST, NOW, Counted, ago

EDITOR = Token("Айгерім Сейтқали", Role.EDITOR, hash_token("editor's"))

pytestmark = pytest.mark.asyncio(loop_scope="module")

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens") / "tokens"


@pytest.fixture(scope="module")
def settings(clickhouse: LocalClickHouse, tokens: Path) -> RankingSettings:
    settings = RankingSettings(
        clickhouse_url=clickhouse.url,
        clickhouse_database="test_closed_dashboard",
        ranking_tokens_file=str(tokens),
        ranking_dashboard="signed_in",
    )
    migrate(settings)
    client = connect(settings)
    client.command("ALTER TABLE counter_versions REMOVE TTL")
    client.close()
    return settings


@pytest.fixture
def counted(settings: RankingSettings, tokens: Path) -> Iterator[Counted]:
    """An article of a separate site, and an editor."""
    token_file.update(tokens, lambda _: [EDITOR])
    client = connect(settings)
    counted = Counted(client, f"site-{uuid4().hex[:8]}")
    counted.article("1", title="Қала ⚡", url="https://n.example/1", section="Қала")
    counted.event("1", ago(minutes=5), views=300)
    counted.write()
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    yield counted
    client.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def url(settings: RankingSettings) -> AsyncIterator[str]:
    app = ranking_app(settings, clock=lambda: int(NOW.timestamp() * 1000))
    async with app as running, url_of(running) as url:
        yield url


async def sign_in(page: Page) -> None:
    await page.get_by_label("Access token").fill("editor's")
    await page.keyboard.press("Enter")
    await expect(page.locator("li[data-key]")).to_have_count(1)


async def test_editor_signs_in_and_shares_a_link_that_only_reads(
    url: str, counted: Counted, page: Page, browser: Browser
) -> None:
    await page.goto(f"{url}/?site={counted.site}&window=6h")
    await expect(page.get_by_text("These pages are for the newsroom.")).to_be_visible()
    assert "Қала" not in await page.content()
    await page.get_by_label("Access token").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("not known here")).to_be_visible()
    await sign_in(page)
    await expect(page.locator(".account")).to_contain_text(EDITOR.name)
    await page.get_by_role("button", name="Share").click()
    await expect(page.get_by_role("button", name="Create link")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Link", exact=True)).to_be_focused()
    link = await page.get_by_label("Link", exact=True).input_value()
    assert link.startswith(f"{url}/share/")

    # Somebody else opens it, without scripts.
    reading = await browser.new_context(java_script_enabled=False)
    guest = await reading.new_page()
    await guest.goto(link)
    assert guest.url == f"{url}/?site={counted.site}&window=6h"
    await expect(guest.locator("li[data-key]")).to_have_count(1)
    await expect(guest.locator(".acts").first).to_be_hidden()
    await guest.locator("li[data-key] a.title").click()
    await expect(guest.locator("h1")).to_contain_text("Қала ⚡")
    await reading.close()

    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("These pages are for the newsroom.")).to_be_visible()


async def test_editor_signs_in_without_scripts(
    url: str, counted: Counted, browser: Browser
) -> None:
    reading = await browser.new_context(java_script_enabled=False)
    page = await reading.new_page()
    await page.goto(f"{url}/?site={counted.site}&window=6h")
    await page.get_by_label("Access token").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("not known here")).to_be_visible()
    await sign_in(page)
    assert page.url == f"{url}/?site={counted.site}&window=6h"
    await expect(page.locator(".account")).to_contain_text(EDITOR.name)
    await reading.close()


async def test_open_page_gives_way_to_the_sign_in_page_when_the_token_is_revoked(
    url: str, counted: Counted, page: Page, tokens: Path
) -> None:
    await page.goto(f"{url}/?site={counted.site}")
    await sign_in(page)
    token_file.update(tokens, lambda _: [])
    await page.get_by_role("link", name="7 days", exact=True).click()
    await expect(page.get_by_text("These pages are for the newsroom.")).to_be_visible()


async def test_axe_finds_no_violations_on_the_sign_in_page_and_in_the_dialog(
    url: str, counted: Counted, browser: Browser
) -> None:
    context = await browser.new_context(bypass_csp=True)
    page = await context.new_page()

    async def check(state: str) -> None:
        assert (state, await axe_violations(page)) == (state, [])

    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{url}/?site={counted.site}&lang=ru")
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    await check("the sign-in page")
    await page.locator("#token-shown").fill("editor's")
    await page.keyboard.press("Enter")
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.locator("[data-act=share]").click()
    await page.locator("#share .go").click()
    await expect(page.locator("#share-link")).to_be_visible()
    await check("a link")
    await context.close()
