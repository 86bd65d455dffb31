"""The list page on screens of all sizes: density, chips, remembered choices, phone and wall."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.migrations import migrate
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.browser import axe_violations
from tests.support.http import url_of
from tests.support.ranking import FIRST, NOW, Counted, ago
from tests.support.servers import free_ports

ROWS_SHOWN = (
    "rows => rows.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

expect.set_options(timeout=30_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(clickhouse: LocalClickHouse) -> AsyncIterator[str]:
    """The address of a list of thirty articles in fourteen sections."""
    settings = RankingSettings(
        clickhouse_url=clickhouse.url, clickhouse_database="test_list_layout"
    )
    migrate(settings)
    client = connect(settings)
    client.command("ALTER TABLE counter_versions REMOVE TTL")
    counted = Counted(client, "default")
    for number in range(30):
        counted.article(
            str(number),
            title=f"Headline {number} of a story that takes a dozen words or more",
            url=f"https://n.example/{number}",
            section=f"Section {number % 14:02}",
            authors=["Aigerim Bekova"],
            published_at=ago(hours=number + 1),
        )
        counted.event(str(number), ago(minutes=5), views=3000 - number)
        counted.event(str(number), ago(days=1, minutes=5), views=1500)
    counted.write()
    counted.progress(ago(seconds=1), 0, 1, FIRST)
    large = Counted(client, "large")
    for views in (1_234_567, 234_567, 34_567, 4_567, 567):
        large.article(str(views), title=f"Story of {views} views that is a little longer")
        large.event(str(views), ago(minutes=5), views=views)
    large.write()
    client.close()
    [port] = free_ports(1)
    async with (
        ranking_app(settings, clock=lambda: int(NOW.timestamp() * 1000)) as app,
        url_of(app, port),
    ):
        yield f"http://127.0.0.1:{port}/"


async def overflow(page: Page) -> int:
    width: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width


async def test_desktop_shows_twenty_rows_compactly_and_ten_with_room(url: str, page: Page) -> None:
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.goto(url)
    rows = page.locator("li[data-key]")
    assert await rows.evaluate_all(ROWS_SHOWN) == 20
    await page.get_by_text("View", exact=True).click()
    await page.get_by_role("button", name="Roomy").click()
    await expect(page.locator("html")).to_have_attribute("data-density", "roomy")
    assert 9 <= await rows.evaluate_all(ROWS_SHOWN) <= 11
    # The service renders the next page that way, without a script.
    await page.reload()
    assert 'data-density="roomy"' in await (await page.context.request.get(url)).text()


async def test_numbers_and_bars_are_aligned_in_all_rows(url: str, page: Page) -> None:
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.goto(url)
    for part, edge in ((".number", "right"), (".line", "left"), (".headline", "left")):
        places = await page.locator(f"li[data-key] {part}").evaluate_all(
            f"each => each.map((one) => Math.round(one.getBoundingClientRect().{edge}))"
        )
        assert len(places) == 20
        assert len(set(places)) == 1


@pytest.mark.parametrize("address", ["?site=large", "?site=large&wall"])
async def test_large_numbers_fit_into_their_column(url: str, page: Page, address: str) -> None:
    await page.goto(url + address)
    numbers = page.locator("li[data-key] > .number")
    for width in (390, 1280, 1920):
        await page.set_viewport_size({"width": width, "height": 1080})
        widths = await numbers.evaluate_all(
            "all => all.map((one) => [one.scrollWidth, one.clientWidth])"
        )
        assert len(widths) == 5
        assert all(needed <= given for needed, given in widths), width


async def test_theme_is_switched_and_remembered(url: str, page: Page) -> None:
    await page.emulate_media(color_scheme="light")
    await page.goto(url)
    background = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(background)
    await page.get_by_text("View", exact=True).click()
    await page.get_by_role("button", name="Dark").click()
    dark = await page.evaluate(background)
    assert dark != light
    await page.goto(f"{url}articles/1")
    assert await page.evaluate(background) == dark


async def test_chosen_comparison_is_remembered_for_other_lists(url: str, page: Page) -> None:
    await page.goto(url)
    await expect(page.locator("li[data-key] .against").first).to_contain_text("+100%")
    await page.locator("summary", has_text="Compare").click()
    await page.get_by_role("link", name="week before").click()
    # Nothing was read then.
    await expect(page.locator("li[data-key] .against")).to_have_count(0)
    await page.goto(f"{url}?section=Section+01")
    await expect(page.locator("summary", has_text="Compare")).to_contain_text("week before")


async def test_long_menu_is_narrowed_and_closed_by_keyboard(url: str, page: Page) -> None:
    await page.goto(url)
    summary = page.locator("summary", has_text="Section")
    await summary.focus()
    await page.keyboard.press("Enter")
    field = page.get_by_role("searchbox", name="Find in the list")
    await expect(field).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(field).not_to_be_visible()
    await expect(summary).to_be_focused()
    await page.keyboard.press("Enter")
    await field.fill("ion 07")
    await page.keyboard.press("Enter")
    await expect(page.locator("li[data-key]")).to_have_count(2)
    assert "section=Section+07" in page.url


async def test_headline_leads_to_article_page_and_arrow_to_another_tab(
    url: str, page: Page
) -> None:
    await page.context.route("https://n.example/**", lambda route: route.fulfill(body="public"))
    await page.goto(url)
    async with page.context.expect_page() as opened:
        await page.locator("li[data-key] .out").first.click()
    assert (await opened.value).url == "https://n.example/0"
    await page.locator("li[data-key] .title").first.click()
    await expect(page).to_have_url(re.compile(re.escape(f"{url}articles/0")))


@pytest.mark.parametrize("lang", ["en", "ru", "kk"])
async def test_phone_begins_with_list_and_has_controls_in_sheet(
    url: str, page: Page, lang: str
) -> None:
    for width, height in ((390, 844), (320, 640)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.goto(f"{url}?lang={lang}")
        top = await page.locator("li[data-key]").first.evaluate(
            "row => row.getBoundingClientRect().top"
        )
        assert top < height / 2
        assert await overflow(page) == 0
        controls = page.locator("#controls")
        await expect(controls).not_to_be_visible()
        await page.locator("button.sheet").click()
        await expect(controls).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(controls).not_to_be_visible()


async def test_list_page_never_scrolls_sideways(url: str, page: Page) -> None:
    await page.goto(f"{url}?lang=ru&by=score&section=Section+01&section=Section+02&tz=Asia/Almaty")
    for width in (320, 390, 700, 1024, 1280, 1920):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await overflow(page) == 0, width


async def test_wall_fills_screen(url: str, page: Page) -> None:
    await page.goto(f"{url}?wall")
    rows = page.locator("li[data-key]")
    for width, height in ((1920, 1080), (3840, 2160), (1080, 1920)):
        await page.set_viewport_size({"width": width, "height": height})
        assert await rows.evaluate_all(ROWS_SHOWN) == 10
        last = await rows.last.bounding_box()
        assert last
        assert last["y"] + last["height"] > 0.92 * height
        assert last["width"] > 0.9 * width
        assert await overflow(page) == 0


async def test_wall_turns_to_next_section_and_stays_while_service_is_unavailable(
    url: str, page: Page
) -> None:
    await page.clock.install(time=NOW)
    await page.goto(f"{url}?wall=60")
    await expect(page.locator("#clock")).to_have_text("14:03")
    away = page.context.route("**/?wall=60&turn=1", lambda route: route.abort())
    await away
    await page.clock.run_for(61_000)
    await expect(page.locator("#clock")).to_have_text("14:04")
    assert "turn" not in page.url
    await page.context.unroute("**/?wall=60&turn=1")
    await page.clock.run_for(61_000)
    await expect(page.locator("h1")).to_contain_text("Section")


@pytest.mark.parametrize("address", ["?wall", "?by=trending", "?from=2026-11-20&to=2026-11-21"])
async def test_axe_finds_no_violations_in_wall_trends_and_ranges(
    url: str, browser: Browser, address: str
) -> None:
    context = await browser.new_context(bypass_csp=True)
    try:
        page = await context.new_page()
        await page.goto(url + address)
        assert await axe_violations(page) == []
    finally:
        await context.close()


async def test_range_that_ends_before_it_starts_is_explained_in_the_form(
    url: str, page: Page
) -> None:
    address = f"{url}articles/1?lang=ru&from=2026-11-20&to=2026-11-21"
    await page.goto(address)
    last = page.locator("input[name=to]")
    await last.fill("2026-11-19")
    await page.get_by_role("button", name="Показать").click()
    message = await last.evaluate("field => field.validationMessage")
    assert (message, page.url) == ("Последний день раньше первого.", address)
    await last.fill("2026-11-20")
    assert await last.evaluate("field => field.validity.valid")
