"""The pages in a browser, over ClickHouse."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Error, Page, Route, expect
from yarl import URL

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.migrations import migrate
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.browser import axe_violations
from tests.support.http import url_of
from tests.support.ranking import FIRST, NOW, Counted, ago
from tests.support.servers import free_ports

HOSTILE = "<img src=x onerror=document.title='hit'><script>document.title='hit'</script>\u202eabc"

pytestmark = pytest.mark.asyncio(loop_scope="module")

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def settings(clickhouse: LocalClickHouse) -> RankingSettings:
    settings = RankingSettings(clickhouse_url=clickhouse.url, clickhouse_database="test_dashboard")
    migrate(settings)
    client = connect(settings)
    client.command("ALTER TABLE counter_versions REMOVE TTL")
    client.close()
    return settings


@pytest.fixture
def counted(settings: RankingSettings) -> Iterator[Counted]:
    """Three articles of a separate site; the second one has a hostile title."""
    client = connect(settings)
    client.command("TRUNCATE TABLE checkpoint_versions")
    counted = Counted(client, f"site-{uuid4().hex[:8]}")
    counted.article("1", title="Қала ⚡", url="https://n.example/1", language="kk", section="Қала")
    counted.article("2", title=HOSTILE, url="javascript:document.title='hit'", section="<b>Город")
    counted.article("3", title="Three", url="https://n.example/3")
    for article_id, views in {"1": 300, "2": 200, "3": 100}.items():
        counted.event(article_id, ago(minutes=5), views=views, likes=1)
    counted.write()
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    yield counted
    client.close()


class Service:
    """The ranking at a fixed address, which can be stopped and restarted."""

    def __init__(self, settings: RankingSettings) -> None:
        self._settings = settings
        [self._port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}/"

    async def start(self) -> None:
        self._running = AsyncExitStack()
        app = await self._running.enter_async_context(
            ranking_app(self._settings, clock=lambda: int(NOW.timestamp() * 1000))
        )
        await self._running.enter_async_context(url_of(app, self._port))

    async def stop(self) -> None:
        await self._running.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def service(settings: RankingSettings) -> AsyncIterator[Service]:
    service = Service(settings)
    await service.start()
    yield service
    await service.stop()


def more_views(counted: Counted, article_id: str, views: int) -> None:
    """Count more views of an article, as a new partition."""
    counted.rows.clear()
    counted.event(article_id, ago(minutes=2), views=views, topic=uuid4())
    counted.write()


async def keys(page: Page) -> list[str]:
    keys: list[str] = await page.locator("li[data-key]").evaluate_all(
        "rows => rows.map((row) => row.dataset.key)"
    )
    return keys


@asynccontextmanager
async def unreloaded(page: Page) -> AsyncIterator[None]:
    """Expect that the page is not reloaded: all changes come from its script."""
    await page.evaluate("window.same = true")
    yield
    assert await page.evaluate("window.same")


async def test_list_page_follows_counts_and_keeps_focus(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.goto(f"{service.url}?site={counted.site}")
    assert await keys(page) == ["1", "2", "3"]
    async with unreloaded(page):
        await page.locator('li[data-key="3"] .title').focus()
        await asyncio.to_thread(more_views, counted, "3", 1000)
        await expect(page.locator("li[data-key]").first).to_have_attribute("data-key", "3")
        assert await keys(page) == ["3", "1", "2"]
        await expect(page.locator('li[data-key="3"] .title')).to_be_focused()
        await expect(page.locator('li[data-key="3"] .total dd')).to_have_text("1,100")


async def test_rows_are_animated_unless_reduced_motion_is_preferred(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.add_init_script(
        "window.moved = 0; const animate = Element.prototype.animate;"
        "Element.prototype.animate = function (...all)"
        " { window.moved += 1; return animate.apply(this, all); }"
    )
    await page.goto(f"{service.url}?site={counted.site}")
    first = page.locator("li[data-key]").first
    await asyncio.to_thread(more_views, counted, "3", 1000)
    await expect(first).to_have_attribute("data-key", "3")
    moved = await page.evaluate("window.moved")
    assert moved == 3
    await page.emulate_media(reduced_motion="reduce")
    await asyncio.to_thread(more_views, counted, "2", 5000)
    await expect(first).to_have_attribute("data-key", "2")
    assert await page.evaluate("window.moved") == moved


async def test_list_page_reports_lost_connection_and_reconnects(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.goto(f"{service.url}?site={counted.site}&tz=Asia/Almaty")
    lost = page.get_by_text("The connection is lost.")
    await expect(lost).to_have_count(0)
    async with unreloaded(page):
        await service.stop()
        await expect(lost).to_be_visible()
        await expect(page.locator("#live time")).to_contain_text("(Asia/Almaty)")
        assert await keys(page) == ["1", "2", "3"]
        await asyncio.to_thread(more_views, counted, "3", 1000)
        await service.start()
        await expect(lost).to_have_count(0)
        await expect(page.locator("li[data-key]").first).to_have_attribute("data-key", "3")


async def test_search_page_keeps_list_during_slow_response(
    service: Service, counted: Counted, page: Page
) -> None:
    counted.article("1", title="Both Three", version=2)
    await page.goto(f"{service.url}?site={counted.site}&q=three")
    requested, released = asyncio.Event(), asyncio.Event()

    async def slowly(route: Route) -> None:
        requested.set()
        await released.wait()
        await route.continue_()

    await page.route(f"{service.url}?*", slowly)
    await page.evaluate("document.dispatchEvent(new Event('decided'))")
    await requested.wait()
    assert await keys(page) == ["1", "3"]
    await asyncio.to_thread(more_views, counted, "3", 1000)
    released.set()
    await expect(page.locator("li[data-key]").first).to_have_attribute("data-key", "3")


async def test_list_page_warns_when_counting_falls_behind(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.goto(f"{service.url}?site={counted.site}")
    behind = page.get_by_text("These numbers are out of date.")
    await expect(page.locator(".fresh")).to_contain_text("All events until 14:03:00 (UTC)")
    async with unreloaded(page):
        counted.client.command("TRUNCATE TABLE checkpoint_versions")
        await asyncio.to_thread(counted.progress, ago(hours=2), 0, 1, FIRST)
        await expect(behind).to_be_visible()
        await expect(page.locator(".fresh")).to_be_empty()
        counted.client.command("TRUNCATE TABLE checkpoint_versions")
        await asyncio.to_thread(counted.progress, ago(seconds=1), 0, 1, FIRST)
        await expect(behind).to_have_count(0)
        await expect(page.locator(".fresh")).to_contain_text("14:03:04")


async def test_hostile_title_is_text_in_page_and_script(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.goto(f"{service.url}?site={counted.site}")
    await asyncio.to_thread(more_views, counted, "2", 1000)
    first = page.locator("li[data-key]").first
    await expect(first).to_have_attribute("data-key", "2")
    await expect(first.locator("bdi").first).to_have_text(HOSTILE)
    assert await page.locator("main img, main script, main b, h2 a[href^=javascript]").count() == 0
    assert await page.title() == "Most read: 24 hours"


async def test_chart_shows_numbers_under_pointer_and_zooms(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.goto(f"{service.url}?site={counted.site}")
    await page.locator('li[data-key="1"] .title').click()
    chart, readout = page.locator("#chart .cells"), page.locator("#chart .readout")
    await expect(readout).to_contain_text("drag over it to zoom in")
    box = await chart.bounding_box()
    assert box
    # The last hour but one of a week has 300 views.
    await page.mouse.move(box["x"] + box["width"] * (1 - 1.5 / 168), box["y"] + 50)
    await expect(readout).to_have_text("23 November, 13:00: 300 views, 1 like")
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * (1 - 6.5 / 168), box["y"] + 50, steps=5)
    await expect(page.locator(".cells .chosen")).to_have_count(6)
    await page.mouse.up()
    await page.wait_for_url("**/articles/1?*from=2026-11-23T08%3A00*to=2026-11-23T14%3A00*")
    await expect(page.locator(".legend").first).to_contain_text("by 10 minutes")
    await expect(page.locator("#chart .cells rect")).to_have_count(36)
    await page.get_by_text("Show as table").first.click()
    await expect(page.locator("[data-part=steps] tbody td").first).to_have_text("300")


@pytest.mark.parametrize("address", ["", "articles/1", "?section=none", "?window=never"])
async def test_axe_finds_no_violations(
    service: Service, counted: Counted, browser: Browser, address: str
) -> None:
    url = URL(service.url + address)
    context = await browser.new_context(bypass_csp=True)
    try:
        page = await context.new_page()
        await page.goto(str(url.update_query(site=counted.site)))
        if address.startswith("articles"):
            await expect(page.locator("#chart")).to_be_visible()
        assert await axe_violations(page) == []
    finally:
        await context.close()


async def test_error_page_is_replaced_by_list_when_service_recovers(
    clickhouse: LocalClickHouse, page: Page
) -> None:
    later = RankingSettings(
        clickhouse_url=clickhouse.url, clickhouse_database=f"test_{uuid4().hex[:8]}"
    )
    service = Service(later)
    await service.start()
    try:
        answer = await page.goto(f"{service.url}?lang=ru")
        assert answer
        assert answer.status == 503
        await expect(page.get_by_text("Счётчики сейчас прочесть нельзя")).to_be_visible()
        await asyncio.to_thread(migrate, later)
        await expect(page.get_by_text("Пока ничего нет")).to_be_visible()
    finally:
        await service.stop()


async def streams(context: BrowserContext, service: Service, expected: int) -> None:
    """Wait until the service has so many clients of streams, up to the time limit of the test."""
    while True:
        if f"mostread_ranking_stream_clients {expected}.0\n" in await metrics(context, service):
            return
        await asyncio.sleep(0.05)


async def metrics(context: BrowserContext, service: Service) -> str:
    return await (await context.request.get(f"{service.url}metrics")).text()


async def test_tabs_of_a_browser_share_one_stream(
    service: Service, counted: Counted, page: Page
) -> None:
    addresses = [f"{service.url}?site={counted.site}{lang}" for lang in ("", "&lang=ru")]
    tabs = [page, *[await page.context.new_page() for _ in range(7)]]
    for number, tab in enumerate(tabs):
        await tab.goto(addresses[number % 2])
    await streams(page.context, service, 1)
    await asyncio.to_thread(more_views, counted, "3", 1000)
    for number, tab in enumerate(tabs):
        first = tab.locator("li[data-key]").first
        await expect(first).to_have_attribute("data-key", "3")
        await expect(first).to_contain_text(
            ["views in 24 hours", "просмотры за 24 часа"][number % 2]
        )
    # Eight streams would occupy the six connections of the browser.
    assert await page.evaluate("fetch('v1/most-read').then((answer) => answer.status)") == 200
    # The stream contained all that changed: each tab requested its page once.
    text = await metrics(page.context, service)
    assert 'request_duration_seconds_count{route="/",status="200"} 8.0' in text


async def test_hidden_tab_has_no_stream_and_catches_up(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.goto(f"{service.url}?site={counted.site}")
    await streams(page.context, service, 1)
    turn = (
        "(hidden) => {"
        " Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    await page.evaluate(turn, True)
    await streams(page.context, service, 0)
    await asyncio.to_thread(more_views, counted, "3", 1000)
    await page.evaluate(turn, False)
    await expect(page.locator("li[data-key]").first).to_have_attribute("data-key", "3")


async def test_browser_without_shared_workers_follows_list(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.add_init_script("delete globalThis.SharedWorker")
    await page.goto(f"{service.url}?site={counted.site}")
    await streams(page.context, service, 1)
    await asyncio.to_thread(more_views, counted, "3", 1000)
    await expect(page.locator("li[data-key]").first).to_have_attribute("data-key", "3")


async def test_browser_rejects_markup_from_other_scripts(
    service: Service, counted: Counted, page: Page
) -> None:
    await page.goto(f"{service.url}?site={counted.site}")
    for script in (
        "document.body.innerHTML = '<b>'",
        "new DOMParser().parseFromString('<b>', 'text/html')",
        "trustedTypes.createPolicy('live', { createHTML: String })",
        "new SharedWorker('v1/most-read')",
    ):
        with pytest.raises(Error, match="TypeError"):
            await page.evaluate(script)
