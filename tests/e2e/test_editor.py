"""Editing on the pages in a browser: through collector, Kafka, aggregator and ranking."""

import asyncio

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import axe_violations
from tests.support.collector import TOKENS
from tests.support.editing import HOSTILE, EditedSite, row, shown, sign_in, signed_in

POLICY = "fetch('.').then((it) => it.headers.get('content-security-policy'))"

pytestmark = pytest.mark.asyncio(loop_scope="module")

expect.set_options(timeout=30_000)


async def test_editor_hides_and_undoes_by_mouse(edited: EditedSite, page: Page) -> None:
    await page.goto(edited.address)
    await expect(page.locator("li .acts").first).to_be_hidden()
    await signed_in(page)
    await row(page, "b").get_by_role("button", name="Hide").click()
    await expect(page.locator("#decide-title bdi")).to_have_text(HOSTILE)
    await page.get_by_role("button", name="Needs a correction").click()
    await shown(page, "a", "c")
    assert edited.log("b")[0]["reason"] == "Needs a correction"
    toast = page.locator(".toast")
    await expect(toast).to_contain_text(f"{HOSTILE} is hidden.")
    await toast.get_by_role("button", name="Undo").click()
    await expect(toast).to_contain_text(f"Undone: {HOSTILE}.")
    await shown(page, "a", "b", "c")


async def test_only_editors_see_undescribed_articles(edited: EditedSite, page: Page) -> None:
    views = [{"type": "view", "site": edited.site, "article_id": "<b>Spam"}] * 5
    edited.send("emit", "POST", "/v1/events", views)
    await page.goto(edited.address)
    await expect(page.get_by_text("has not described them: 1.")).to_be_visible(timeout=60_000)
    await shown(page, "a", "b", "c")
    await signed_in(page)
    await shown(page, "<b>Spam", "a", "b", "c")
    await expect(row(page, "<b>Spam").locator(".undescribed")).to_have_text("not described")
    await expect(page.get_by_text("has not described them")).to_have_count(0)
    await page.locator(".tools [data-act=sign]").click()
    await shown(page, "a", "b", "c")


async def test_editor_pins_hides_and_undoes_by_keyboard(edited: EditedSite, page: Page) -> None:
    await page.goto(edited.address)
    # Signing in continues with the intended action.
    for key in ("j", "j", "k", "j", "j", "p"):
        await page.keyboard.press(key)
    await expect(page.locator("#token-shown")).to_be_focused()
    await page.keyboard.type(TOKENS["editor"])
    await page.keyboard.press("Enter")
    await expect(page.locator("#pinned")).to_be_focused()
    await page.keyboard.type("1")
    await page.keyboard.press("Enter")
    await shown(page, "c!", "a", "b")
    await expect(page.locator(".toast")).to_contain_text("Ёлка is pinned to rank 1.")
    await expect(row(page, "c")).to_be_focused()
    await expect(row(page, "c").locator(".pinned")).to_have_text("pinned to rank 1")
    # The hidden row leaves, and the focus stays at its position. The key is an h on a Russian
    # keyboard.
    await page.keyboard.press("j")
    await page.evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'р', code: 'KeyH', bubbles: true, cancelable: true}))"
    )
    await expect(page.locator("#reason")).to_be_focused()
    await page.keyboard.type("Қате")
    await page.keyboard.press("Enter")
    await shown(page, "c!", "b")
    await expect(row(page, "b")).to_be_focused()
    await expect(page.locator(".toast [data-act=undo]")).to_be_visible()
    await page.keyboard.press("u")
    await shown(page, "c!", "a", "b")
    await expect(page.locator(".toast")).to_contain_text("Undone: Қар жауды.")
    await page.keyboard.press("u")
    await shown(page, "a", "b", "c")


async def test_single_key_shortcuts_can_be_disabled(edited: EditedSite, page: Page) -> None:
    await page.goto(edited.address)
    await page.keyboard.press("?")
    await expect(page.locator("#keys")).to_be_visible()
    await page.get_by_label("Single-key shortcuts are on").uncheck()
    await page.keyboard.press("Escape")
    await expect(page.locator("#keys")).to_be_hidden()
    await page.reload()
    await page.keyboard.press("j")
    await page.keyboard.press("?")
    await expect(page.locator("#keys")).to_be_hidden()
    assert await page.locator("li:focus").count() == 0
    await page.get_by_role("button", name="Keyboard").click()
    await expect(page.get_by_label("Single-key shortcuts are on")).not_to_be_checked()


async def test_decision_keeps_fields_of_previous_decision(edited: EditedSite, page: Page) -> None:
    """A decision replaces the previous one, so pinning must keep the embargo of a colleague."""
    edited.placed("a", embargo_until=2_000_000_000_000, pinned=2, approved=True)
    await page.goto(f"{edited.article('a')}&tz=Asia/Almaty")
    await signed_in(page)
    await expect(page.locator(".log li")).to_have_count(1)
    await page.keyboard.press("p")
    await expect(page.locator("#pinned")).to_have_value("2")
    # 2033-05-18T03:33:20Z in the zone of the page.
    await expect(page.locator("#embargo_until")).to_have_value("2033-05-18T08:33")
    await expect(page.locator("#reason")).to_have_value("")
    await page.keyboard.type("7")
    await page.keyboard.press("Enter")
    effects = page.locator(".log li").first.locator(".effects")
    await expect(effects).to_have_text(
        "pinned to rank 7, under embargo until 18 May 2033, 08:33:20 (Asia/Almaty), "
        "listed despite few visitors"
    )
    await page.keyboard.press("m")
    await expect(page.locator("#embargo_until")).to_be_focused()
    await page.get_by_role("button", name="Leave it to the CMS").click()
    await expect(effects).to_have_text("left to the CMS")
    await expect(page.locator(".toast")).to_contain_text("is left to the CMS.")


async def test_decision_log_shows_author_and_reason_and_undoes(
    edited: EditedSite, page: Page
) -> None:
    edited.placed("a", pinned=3, reason=HOSTILE)
    edited.placed("a", hidden=True, reason="Қате бар")
    await page.goto(edited.article("a"))
    # A hidden article does not exist for readers; an editor can sign in where it is not.
    await expect(page.get_by_role("heading", name="Unknown article")).to_be_visible()
    assert "Қар" not in await page.content()
    await signed_in(page)
    await expect(page.get_by_role("heading", name="Қар жауды")).to_be_visible()
    log = page.locator(".log li")
    await expect(log).to_have_count(2)
    await expect(log.nth(0)).to_contain_text("editor-name")
    await expect(log.nth(0).locator(".effects")).to_have_text("hidden")
    await expect(log.nth(1).locator(".reason")).to_have_text(HOSTILE)
    assert await page.locator("main img, main b, .log script").count() == 0
    await log.nth(0).get_by_role("button", name="Undo").click()
    await expect(log).to_have_count(3)
    await expect(log.nth(0).locator(".effects")).to_contain_text(
        "pinned to rank 3, undoes the decision"
    )
    await expect(page.locator(".about")).to_contain_text("pinned to rank 3")
    # Restore the state before all decisions.
    await log.nth(2).get_by_role("button", name="Restore").click()
    await expect(log.nth(0).locator(".effects")).to_contain_text("left to the CMS")
    await page.get_by_role("button", name="Sign out").click()
    await expect(log).to_have_count(0)


async def test_undo_keeps_later_decision_of_colleague(edited: EditedSite, page: Page) -> None:
    await page.goto(edited.address)
    await signed_in(page)
    await page.keyboard.press("j")
    await page.keyboard.press("h")
    await expect(page.locator("#reason")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast [data-act=undo]")).to_be_visible()
    await asyncio.to_thread(edited.placed, "a", pinned=1, reason="No, it is right")
    await shown(page, "a!", "b", "c")
    await page.keyboard.press("u")
    await expect(page.locator(".toast")).to_contain_text("Somebody else has changed Қар жауды")
    await shown(page, "a!", "b", "c")


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("nobody's", "This token is not known here, or it has expired."),
        ("Токен", "This token is not known here, or it has expired."),
        (TOKENS["cms"], "This token belongs to a program."),
    ],
)
async def test_wrong_token_is_rejected(
    edited: EditedSite, page: Page, token: str, error: str
) -> None:
    await page.goto(edited.address)
    await sign_in(page, token)
    await expect(page.locator("#token .wrong")).to_contain_text(error)
    await expect(page.locator("li .acts").first).to_be_hidden()
    assert await page.context.cookies() == []


async def test_session_lasts_over_reloads_and_tabs_and_no_script_can_read_it(
    edited: EditedSite, page: Page
) -> None:
    await page.goto(edited.address)
    urls: list[str] = []
    page.context.on("request", lambda request: urls.append(request.url))
    await signed_in(page)
    await expect(page.locator(".account")).to_have_text("Signed in as editor-name")
    await page.reload()
    await expect(page.locator("li .acts").first).to_be_visible()
    tab = await page.context.new_page()
    await tab.goto(edited.article("a"))
    await expect(tab.locator(".account")).to_have_text("Signed in as editor-name")
    stored = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert await tab.evaluate(stored) == [0, 0, ""]
    assert urls
    assert not any(TOKENS["editor"] in url for url in urls)
    await tab.get_by_role("button", name="Sign out").click()
    await expect(tab.locator(".account")).to_be_hidden()
    await page.reload()
    await expect(page.locator("li .acts").first).to_be_hidden()


async def test_ended_session_is_requested_again(edited: EditedSite, page: Page) -> None:
    await page.goto(edited.address)
    await signed_in(page)
    await page.context.clear_cookies()
    await row(page, "c").get_by_role("button", name="Hide").click()
    await expect(page.locator("#token .wrong")).to_contain_text("You are no longer signed in.")
    await page.locator("#token-shown").fill(TOKENS["editor"])
    await page.keyboard.press("Enter")
    await expect(page.locator("#reason")).to_be_focused()
    await page.locator("#decide .go").click()
    await shown(page, "a", "b")


async def test_decision_form_survives_collector_outage(edited: EditedSite, page: Page) -> None:
    await page.goto(edited.address)
    await signed_in(page)
    await row(page, "c").get_by_role("button", name="Pin").click()
    await page.locator("#pinned").fill("1")
    await page.get_by_label("Reason").fill("Typed with care")
    edited.collector.stop()
    await page.locator("#decide .go").click()
    await expect(page.locator("#decide .wrong")).to_contain_text("The decision was not saved")
    await expect(page.get_by_label("Reason")).to_have_value("Typed with care")
    edited.collector.start()
    await asyncio.to_thread(edited.collector.wait_ready)
    await page.locator("#decide .go").click()
    await shown(page, "c!", "a", "b")


async def test_search_works_by_url_and_without_script(edited: EditedSite, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{edited.address}&window=7d&offset=0")
    await expect(page.get_by_role("button", name="Keyboard")).to_be_hidden()
    await expect(page.locator("noscript .how")).to_be_visible()
    await page.locator(".view-menu summary").click()
    await expect(page.get_by_role("link", name="Русский")).to_be_visible()
    await expect(page.locator("[data-view]").first).to_be_hidden()
    await page.get_by_role("searchbox").fill("елка")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/?site={edited.site}&window=7d&q=*")
    await shown(page, "c")
    await expect(row(page, "c").locator(".rank")).to_contain_text("3")
    await page.get_by_role("searchbox").fill("<b>")
    await page.get_by_role("button", name="Find").click()
    await expect(page.locator(".empty")).to_contain_text("No article of this list has “<b>”")
    await page.get_by_role("link", name="Remove: <b>").click()
    await shown(page, "a", "b", "c")
    await context.close()


async def test_search_by_keyboard_leads_to_article_and_decisions(
    edited: EditedSite, page: Page
) -> None:
    await page.goto(edited.address)
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    # In a field, letters are not shortcuts.
    await page.keyboard.type("жау")
    await page.keyboard.press("Enter")
    await shown(page, "a")
    await signed_in(page)
    await page.keyboard.press("j")
    await page.keyboard.press("h")
    await page.locator("#decide .go").click()
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    # Editors find what they have hidden.
    await expect(row(page, "a").locator(".is-hidden")).to_contain_text("Hidden")
    await page.locator(".toast [data-act=undo]").click()
    await shown(page, "a")
    await row(page, "a").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Қар жауды")


async def test_list_page_hides_editor_actions_without_collector_url(
    edited: EditedSite, page: Page
) -> None:
    await page.goto(edited.address)
    assert "connect-src 'self';" in await page.evaluate(POLICY)
    alone = await asyncio.to_thread(edited.system.service("ranking").wait_ready)
    try:
        await page.goto(f"{alone.url}/?site={edited.site}")
        await shown(page, "a", "b", "c")
        assert await page.locator("li .acts, [data-act=sign], #token, #decide").count() == 0
        await page.keyboard.press("h")
        await page.keyboard.press("u")
        await page.keyboard.press("?")
        await expect(page.locator("#keys")).to_contain_text("switched off here")
    finally:
        alone.stop()


async def test_axe_finds_no_violations_in_dialogs(edited: EditedSite, browser: Browser) -> None:
    edited.placed("a", pinned=1, reason=HOSTILE)
    context = await browser.new_context(bypass_csp=True)
    try:
        page = await context.new_page()

        async def check(state: str) -> None:
            assert (state, await axe_violations(page)) == (state, [])

        await page.goto(f"{edited.address}&lang=ru")
        await sign_in(page, "wrong")
        await expect(page.locator("#token .wrong")).to_be_visible()
        await check("a wrong token")
        await page.locator("#token-shown").fill(TOKENS["editor"])
        await page.keyboard.press("Enter")
        await expect(page.locator("li .acts").first).to_be_visible()
        await page.keyboard.press("?")
        await check("the keys")
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("p")
        await expect(page.locator("#pinned")).to_be_focused()
        await check("a decision")
        await page.locator("#decide .go").click()
        await expect(page.locator(".toast [data-act=undo]")).to_be_visible()
        await check("a saved decision")
        await page.goto(edited.article("a"))
        await expect(page.locator(".log li").first).to_be_visible()
        await expect(page.locator("#chart")).to_be_visible()
        await check("the log")
        await page.goto(f"{edited.address}&q=nothing")
        await check("nothing found")
    finally:
        await context.close()
