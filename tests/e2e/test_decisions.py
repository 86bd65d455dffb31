"""Decisions that meet those of others, and the page of all that is in force."""

import asyncio
import json
import os
import re
import signal
import urllib.request
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, Route, expect

from mostread.devstack.servers.clickhouse import LocalClickHouse
from tests.support.collector import TOKENS
from tests.support.editing import HOSTILE, EditedSite, row, shown, sign_in, signed_in
from tests.support.system import wait_until

EMBARGO = 2_000_000_000_000
"""18 May 2033, 03:33:20 in UTC."""

pytestmark = pytest.mark.asyncio(loop_scope="module")

expect.set_options(timeout=30_000)


async def delayed(route: Route) -> None:
    await asyncio.sleep(1.5)
    await route.continue_()


async def open_form(page: Page, article_id: str, act: str) -> None:
    await row(page, article_id).locator(f"[data-act={act}]").click()
    # The decision in force is known.
    await expect(page.locator("#decide .state")).not_to_contain_text("Looking up")


async def test_decision_of_colleague_is_shown_before_it_is_replaced(
    edited: EditedSite, page: Page
) -> None:
    await page.goto(edited.address)
    await signed_in(page)
    await open_form(page, "a", "hide")
    await asyncio.to_thread(edited.placed, "a", embargo_until=EMBARGO, reason=HOSTILE)
    await shown(page, "b", "c")
    await page.locator("#reason").fill("Court order")
    await page.keyboard.press("Enter")
    refused = page.locator("#decide .wrong")
    await expect(refused).to_contain_text("Somebody decided meanwhile")
    await expect(refused).to_contain_text(HOSTILE)
    await expect(refused).to_contain_text("editor-name")
    assert len(edited.log("a")) == 1
    await page.locator("#decide .go").click()
    await expect(page.locator(".toast")).to_contain_text("is hidden.")
    latest = edited.log("a")[0]
    assert (latest["hidden"], latest["embargo_until"][:4]) == (True, "2033")
    assert latest["reason"] == "Court order"


async def test_form_and_confirmation_say_that_a_rank_is_taken(
    edited: EditedSite, page: Page
) -> None:
    edited.placed("b", pinned=1)
    await page.goto(edited.address)
    await signed_in(page)
    await shown(page, "b!", "a", "c")
    await open_form(page, "c", "pin")
    taken = page.locator("#taken")
    await expect(page.locator("#pinned")).to_have_value("3")
    await page.locator("#pinned").fill("2")
    await expect(taken).to_have_text("There now: “Қар жауды”.")
    await page.locator("#pinned").fill("1")
    await expect(taken).to_contain_text("Rank 1 is taken: editor-name pinned")
    await expect(taken).to_contain_text(HOSTILE)
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast")).to_contain_text("pinned to the same rank, moves down")
    await shown(page, "c!", "b!", "a")


async def test_pin_is_limited_to_the_lists_chosen(edited: EditedSite, page: Page) -> None:
    await page.goto(edited.address)
    await signed_in(page)
    await open_form(page, "c", "pin")
    await page.locator("#pinned").fill("1")
    await page.get_by_label("24 hours").check()
    await page.get_by_label("all sections").check()
    await page.keyboard.press("Enter")
    await shown(page, "c!", "a", "b")
    await page.goto(f"{edited.address}&window=1h")
    await shown(page, "a", "b", "c")
    await open_form(page, "c", "pin")
    await expect(page.get_by_label("24 hours")).to_be_checked()
    await page.get_by_role("button", name="Unpin").click()
    await expect(page.locator(".toast")).to_contain_text("Decision saved")
    await page.goto(edited.address)
    await shown(page, "a", "b", "c")


async def test_hiding_until_tomorrow_means_the_morning_of_the_editor(
    edited: EditedSite, browser: Browser
) -> None:
    context = await browser.new_context(timezone_id="Asia/Almaty")
    page = await context.new_page()
    await page.goto(edited.address)
    await signed_in(page)
    zone = ZoneInfo("Asia/Almaty")
    days = [datetime.now(zone).date()]
    await open_form(page, "a", "hide")
    await page.get_by_text("until tomorrow 8:00").click()
    await page.get_by_role("button", name="Out of date").click()
    await shown(page, "b", "c")
    days.append(datetime.now(zone).date())
    until = datetime.fromisoformat(edited.log("a")[0]["until"]).astimezone(zone)
    assert until.time().isoformat() == "08:00:00"
    assert until.date() in {day + timedelta(days=1) for day in days}
    await context.close()


async def test_pinned_article_is_hidden_for_an_hour_and_stays_pinned(
    edited: EditedSite, page: Page
) -> None:
    edited.placed("c", pinned=2)
    await page.goto(edited.address)
    await signed_in(page)
    await open_form(page, "c", "hide")
    await page.get_by_text("1 hour", exact=True).last.click()
    await page.get_by_role("button", name="Duplicate").click()
    await expect(page.locator(".toast")).to_contain_text("Ёлка is hidden.")
    latest = edited.log("c")[0]
    assert (latest["hidden"], latest["pinned"], latest["embargo_until"]) == (True, 2, None)
    assert latest["until"]
    await page.goto(f"{edited.ranking.url}/decisions?site={edited.site}&kind=hidden&lang=ru")
    await expect(row(page, "c").locator(".is-hidden")).to_contain_text(re.compile("Скрыто, до .*:"))
    await expect(row(page, "c").locator(".is-pinned")).not_to_contain_text("до")
    # The form offered this reason in English.
    await expect(row(page, "c").locator(".reason")).to_have_text("Дубль")
    kinds = page.locator(".kinds")
    await expect(kinds.get_by_role("link")).to_have_text(["все", "Скрытые 1", "Закреплённые 1"])


async def test_form_explains_in_kazakh_why_it_refuses(edited: EditedSite, page: Page) -> None:
    await page.goto(f"{edited.address}&lang=kk")
    await signed_in(page)
    await page.set_viewport_size({"width": 390, "height": 600})
    await open_form(page, "a", "more")
    await page.locator("#embargo_until").fill("2033-05-18T08:00")
    await page.locator("#expires_at").fill("2033-05-18T07:00")
    await page.keyboard.press("Enter")
    await expect(page.locator("#decide .wrong")).to_contain_text("мүлде көрінбейді")
    # The buttons stay in sight.
    await expect(page.locator("#decide .go")).to_be_in_viewport(ratio=1)
    assert edited.log("a") == []


async def test_undo_survives_reload_and_covers_no_row(edited: EditedSite, page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 500})
    await page.goto(edited.address)
    await signed_in(page)
    await open_form(page, "b", "hide")
    await page.keyboard.press("Enter")
    await shown(page, "a", "c")
    bar = await page.locator(".toast").bounding_box()
    first = await row(page, "a").bounding_box()
    assert bar
    assert first
    assert bar["y"] + bar["height"] <= first["y"]
    await page.reload()
    await page.keyboard.press("u")
    await shown(page, "a", "b", "c")
    await page.keyboard.press("u")
    await expect(page.locator(".toast")).to_contain_text("no decision to undo")


async def test_page_shows_what_is_decided_and_ends_it(edited: EditedSite, page: Page) -> None:
    edited.send("cms", "PUT", "/v1/articles/c", {"title": "Ёлка", "hidden": True})
    edited.placed("a", hidden=True, pinned=2, reason=HOSTILE)
    edited.placed("b", embargo_until=EMBARGO)
    await page.goto(f"{edited.ranking.url}/decisions?site={edited.site}&tz=Asia/Almaty")
    await expect(page.get_by_text("Sign in as an editor to see")).to_be_visible()
    assert HOSTILE not in await page.content()
    await signed_in(page)
    rows = page.locator(".decided > li")
    await expect(rows).to_have_count(3)
    await expect(row(page, "b")).to_contain_text("Embargo until 18 May 2033, 08:33")
    await expect(row(page, "a").locator(".by")).to_have_text("editor-name")
    await expect(row(page, "a").locator(".reason")).to_have_text(HOSTILE)
    await expect(row(page, "c").locator(".by")).to_have_text("the CMS")
    # One effect ends, the others stay.
    await row(page, "a").get_by_role("button", name="List again").click()
    await expect(row(page, "a").locator(".effects")).to_have_text(
        "Pinned to rank 2Unpin: Қар жауды"
    )
    await row(page, "c").get_by_role("button", name="List again").click()
    await expect(row(page, "c").locator(".effects")).to_contain_text("though the CMS hides it")
    await row(page, "b").get_by_role("button", name="Lift the embargo").click()
    await expect(rows).to_have_count(2)
    await page.locator(".toast [data-act=undo]").click()
    await expect(rows).to_have_count(3)
    await page.get_by_role("link", name="Under embargo").click()
    await expect(rows).to_have_count(1)


async def test_page_of_decisions_requires_an_editor_of_the_site(
    edited: EditedSite, page: Page
) -> None:
    edited.placed("a", hidden=True, reason="Secret reason")
    await page.goto(f"{edited.ranking.url}/decisions?site={edited.site}")
    await sign_in(page, TOKENS["cms"])
    await expect(page.locator("#token .wrong")).not_to_be_empty()
    await page.reload()
    assert "Secret reason" not in await page.content()


async def test_what_is_typed_before_the_decision_in_force_is_known_counts(
    edited: EditedSite, page: Page
) -> None:
    edited.placed("c", embargo_until=1_500_000_000_000, pinned=2, pinned_in={"sections": ["x"]})
    await page.route("**/placements?**", delayed)
    await page.goto(edited.address)
    await signed_in(page)
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await row(page, "c").focus()
    for key in ("p", "1", "Enter"):
        await page.keyboard.press(key)
    await expect(page.locator(".toast")).to_contain_text("Ёлка is pinned to rank 1.")
    latest = edited.log("c")[0]
    assert latest["pinned"] == 1
    # The rest of the earlier decision stays.
    assert (latest["pinned_in"], latest["embargo_until"][:4]) == ({"sections": ["x"]}, "2017")


async def test_form_shows_decision_in_force_in_fields_that_are_untouched(
    edited: EditedSite, page: Page
) -> None:
    edited.placed("c", pinned=2, pinned_in={"sections": ["x"]}, approved=True)
    await page.route("**/placements?**", delayed)
    await page.goto(edited.address)
    await signed_in(page)
    await shown(page, "a", "b", "c")
    await row(page, "c").locator("[data-act=pin]").click()
    await expect(page.locator("#pinned")).to_have_value("3")
    await page.get_by_label("Reason").fill("Opening")
    await expect(page.locator("#pinned")).to_have_value("2")
    await expect(page.get_by_label("Reason")).to_have_value("Opening")
    await expect(page.get_by_label("x", exact=True)).to_be_checked()


def put(edited: EditedSite, article_id: str, **fields: object) -> dict[str, object]:
    request = urllib.request.Request(
        f"{edited.ranking.url}/v1/articles/{article_id}/placement?site={edited.site}",
        method="PUT",
        data=json.dumps(fields).encode(),
        headers={"Authorization": f"Bearer {TOKENS['editor']}"},
    )
    with urllib.request.urlopen(request, timeout=25) as answer:
        document: dict[str, object] = json.load(answer)
    return document


async def test_decision_is_possible_while_clickhouse_does_not_answer(
    edited: EditedSite, clickhouse: LocalClickHouse, page: Page
) -> None:
    await page.goto(edited.address)
    await signed_in(page)
    pid = clickhouse.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await row(page, "a").locator("[data-act=hide]").click()
        await page.locator("#reason").fill("Court order")
        await page.keyboard.press("Enter")
        state = page.locator("#decide .state")
        await expect(state).to_contain_text("What colleagues have decided cannot be checked")
        # Nothing is sent before this warning.
        await page.keyboard.press("Enter")
        toast = page.locator(".toast")
        await expect(toast).to_contain_text("Қар жауды is hidden.")
        await expect(toast).to_contain_text("could not be checked")
        await expect(toast.get_by_role("button", name="Undo")).to_have_count(0)
        stored = await asyncio.to_thread(put, edited, "b", hidden=True, based_on="0")
        assert (stored["unchecked"], stored["visible"], stored["undo"]) == (True, False, None)
    finally:
        os.kill(pid, signal.SIGCONT)
    for article_id in ("a", "b"):
        is_decided = partial(edited.log, article_id)
        await asyncio.to_thread(wait_until, is_decided, "the decision is stored")
    assert edited.log("a")[0]["reason"] == "Court order"


async def test_changed_pin_keeps_its_end_and_reason(edited: EditedSite, page: Page) -> None:
    edited.placed("c", pinned=2, until=EMBARGO, reason="Election night")
    await page.goto(edited.address)
    await signed_in(page)
    await open_form(page, "c", "pin")
    await expect(page.get_by_role("radio", name="until …")).to_be_checked()
    await expect(page.locator("[name=until]")).to_have_value("2033-05-18T03:33")
    await expect(page.locator("#taken")).to_have_text("")
    await page.locator("#pinned").fill("1")
    await page.keyboard.press("Enter")
    await shown(page, "c!", "a", "b")
    latest = edited.log("c")[0]
    assert (latest["pinned"], latest["reason"]) == (1, "Election night")
    assert latest["until"].startswith("2033-05-18T03:33:20")


async def test_enter_decides_again_after_a_refusal(edited: EditedSite, page: Page) -> None:
    await page.goto(edited.address)
    await signed_in(page)
    await open_form(page, "c", "pin")
    await asyncio.to_thread(edited.placed, "c", approved=True)
    await page.locator("#pinned").fill("1")
    await page.keyboard.press("Enter")
    await expect(page.locator("#decide .wrong")).to_contain_text("Somebody decided meanwhile")
    await page.keyboard.press("Enter")
    await shown(page, "c!", "a", "b")
    assert edited.log("c")[0]["approved"]


async def test_pages_are_in_the_zone_of_the_computer(edited: EditedSite, browser: Browser) -> None:
    edited.placed("a", embargo_until=EMBARGO)
    context = await browser.new_context(timezone_id="Asia/Almaty")
    page = await context.new_page()
    await page.goto(f"{edited.ranking.url}/decisions?site={edited.site}")
    await signed_in(page)
    await expect(row(page, "a")).to_contain_text("Embargo until 18 May 2033, 08:33")
    await expect(page.locator(".zone")).to_have_text("Times are in the time zone Asia/Almaty.")
    await page.goto(edited.address)
    await expect(page.locator(".chips > :last-child .value").first).to_have_text("Almaty")
    await open_form(page, "b", "more")
    await expect(page.locator("#times-in")).to_have_text("Times are in the time zone Asia/Almaty.")
    await context.close()
