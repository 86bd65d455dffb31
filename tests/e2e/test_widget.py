"""The custom elements in a real browser, on pages of another site."""

import base64
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.migrations import migrate
from mostread.infra.http import messages
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.browser import axe_violations
from tests.support.collector import Collecting, collecting
from tests.support.http import every, url_of
from tests.support.ranking import NOW, Counted, ago

HOSTILE = "<img src=x onerror=document.title='hit'>\u202e⚡"
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

pytestmark = pytest.mark.asyncio(loop_scope="module")

expect.set_options(timeout=30_000)


@dataclass
class Publisher:
    """Another site, whose pages embed the elements. `console` has its messages."""

    url: str
    service: str
    page: Page
    pages: dict[str, str]
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def open(
        self, body: str, lang: str = "en", path: str = "/", head: str = "", script: str = ""
    ) -> Page:
        """Open a page with this body, and the script of the elements."""
        script = script or f'<script src="{self.service}widget.js" async></script>'
        self.pages[path] = (
            f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>t</title>{head}'
            f"<main>{body}</main>{script}</html>"
        )
        self.page.on("console", self._heard)
        self.page.on("request", self._requested)
        await self.page.goto(f"{self.url}{path}")
        return self.page

    def _heard(self, message: ConsoleMessage) -> None:
        self.console.append(message.text)

    def _requested(self, request: Request) -> None:
        self.requests.append(request.url)


@pytest.fixture(scope="module")
def settings(clickhouse: LocalClickHouse) -> RankingSettings:
    settings = RankingSettings(clickhouse_url=clickhouse.url, clickhouse_database="test_widget")
    migrate(settings)
    client = connect(settings)
    client.command("ALTER TABLE counter_versions REMOVE TTL")
    client.close()
    return settings


@pytest.fixture(scope="module")
def counted(settings: RankingSettings) -> Iterator[Counted]:
    client = connect(settings)
    counted = Counted(client, "default")
    counted.article(
        "1",
        title="Қала ⚡",
        url="https://n.example/1",
        language="kk",
        section="Қала",
        image="https://images.example/1.gif",
        published_at=ago(days=2),
    )
    counted.article("2", title=HOSTILE, url="javascript:alert(1)", section="City", image="data:,")
    counted.article("3", title="Three", url="https://n.example/3?x=1", section="Sport, outdoors")
    for views, article_id in enumerate("321"):
        counted.event(article_id, ago(minutes=5), views=1200 * (views + 1), likes=views)
        counted.event(article_id, None, views=100_000)
    for views in (1, 2, 5, 21):
        counted.event(f"n{views}", None, views=views)
    counted.write()
    yield counted
    client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(settings: RankingSettings, counted: Counted) -> AsyncIterator[str]:
    async with (
        ranking_app(settings, clock=lambda: int(NOW.timestamp() * 1000)) as ranking,
        url_of(ranking) as url,
    ):
        yield f"{url}/"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(service: str) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """The address of the other site, and its pages by path."""
    pages: dict[str, str] = {}
    # The elements must need no other exception from a strict policy.
    policy = (
        f"default-src 'none'; style-src 'none'; script-src 'unsafe-inline' {service}; "
        f"connect-src {service} http://127.0.0.1:*; img-src https://images.example; "
        "require-trusted-types-for 'script'"
    )

    async def page(request: messages.Request) -> messages.Response:
        return messages.Response(
            pages[request.path].encode(),
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": policy},
        )

    app = Application(ServiceSettings())
    for path in ("/", "/3", "/axe"):
        app.add("GET", path, page)
    async with url_of(app) as url:
        yield url, pages


@pytest.fixture
def publisher(page: Page, site: tuple[str, dict[str, str]], service: str) -> Publisher:
    url, pages = site
    return Publisher(url, service, page, pages)


@pytest.fixture(scope="module")
def collector(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    with collecting(kafka.brokers, tmp_path_factory.mktemp("widget")) as started:
        yield started


async def test_list_shows_titles_as_text(publisher: Publisher) -> None:
    page = await publisher.open(
        '<most-read limit="2" counts><p>Fallback</p></most-read>', lang="kk"
    )
    items = page.locator("most-read li")
    await expect(items).to_have_text(
        [
            re.compile("^1Қала ⚡24 сағатта 3.600 қаралым$"),
            re.compile(f"^2{re.escape(HOSTILE)}24 сағатта 2.400 қаралым$"),
        ]
    )
    await expect(page.locator("most-read a")).to_have_attribute("href", "https://n.example/1")
    await expect(page.locator("most-read bdi").first).to_have_attribute("lang", "kk")
    await expect(page.locator("most-read img")).to_have_count(0)
    await expect(page.get_by_role("list", name="Ең көп оқылғандар")).to_be_visible()
    await expect(page.get_by_text("Fallback")).to_be_hidden()
    # Its style holds under the policy of the page.
    assert await items.first.evaluate("it => getComputedStyle(it).display") == "grid"
    line = await items.first.evaluate("it => getComputedStyle(it).borderBottomColor")
    assert line == "rgba(128, 128, 128, 0.35)"
    assert publisher.console == []


async def test_list_shows_images_dates_and_totals(publisher: Publisher) -> None:
    async def image(route: Any) -> None:
        await route.fulfill(body=PIXEL, content_type="image/gif")

    await publisher.page.route("https://images.example/*", image)
    page = await publisher.open(
        '<most-read counts="total" dates images="120x80" tz="UTC"></most-read>'
    )
    first = page.locator("most-read li").first
    await expect(first.locator(".details")).to_have_text(
        "Nov 21, 2026 103,600 views · 0 comments · 2 likes"
    )
    await expect(first.locator("time")).to_have_attribute("datetime", "2026-11-21T14:03:05.000Z")
    shown = page.locator("most-read img")
    await expect(shown).to_have_count(1)
    for name, value in {"alt": "", "width": "120", "height": "80", "loading": "lazy"}.items():
        await expect(shown).to_have_attribute(name, value)


async def test_kazakh_numbers_and_dates_do_not_need_the_browsers_data(
    publisher: Publisher,
) -> None:
    page = await publisher.open('<most-read limit="1" counts dates tz="UTC"></most-read>', "kk-KZ")
    details = page.locator("most-read .details")
    # Chromium says that it supports Kazakh, and would write "2026 M11 21" and "3,600".
    await expect(details.locator("time")).to_have_text("21.11.2026")
    await expect(details).to_contain_text("3\u202f600 қаралым")


async def test_list_leaves_out_current_article_and_named_ones(publisher: Publisher) -> None:
    page = await publisher.open(
        '<most-read exclude="2 | current"></most-read><most-read exclude="1" limit="1"></most-read>'
        '<most-read section="City|Sport, outdoors" offset="1"></most-read>',
        path="/3",
        head='<link rel="canonical" href="https://n.example/3?x=1">',
    )
    lists = page.locator("most-read")
    await expect(lists.nth(0).locator("li")).to_have_text(["1Қала ⚡"])
    await expect(lists.nth(1).locator("li")).to_have_text([f"1{HOSTILE}"])
    await expect(lists.nth(2).locator("li")).to_have_text(["2Three"])
    assert not any("exclude" in url for url in publisher.requests)


async def test_pinned_article_keeps_its_rank_in_list_without_article_above(
    publisher: Publisher, counted: Counted
) -> None:
    counted.decision("2", pinned=2, version=20)
    try:
        page = await publisher.open('<most-read exclude="1"></most-read>')
        items = page.locator("most-read li")
        async for _ in every(0.3):
            await expect(items).to_have_count(2)
            if await items.all_text_contents() == ["1Three", f"2{HOSTILE}"]:
                break
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    finally:
        counted.decision("2", version=21)


async def test_list_uses_words_of_page(publisher: Publisher) -> None:
    words = (
        '{"most_read": "Meistgelesen", "views": {"one": "Aufruf", "other": "Aufrufe"},'
        ' "during": {"24h": "heute"}}'
    )
    page = await publisher.open(f"<most-read counts limit=1 words='{words}'></most-read>", "de")
    await expect(page.locator("most-read .counts")).to_have_text("3.600 Aufrufe heute")
    await expect(page.get_by_role("list", name="Meistgelesen")).to_be_visible()


async def test_elements_find_service_however_script_is_loaded(publisher: Publisher) -> None:
    address = f"{publisher.service}widget.js"
    imported = f'<script type="module">import "{address}"</script>'
    source = f'src="{publisher.service.rstrip("/")}"'
    for script, attributes in (
        (f'<script type="module" src="{address}"></script>', ""),
        (imported, source),
    ):
        page = await publisher.open(f"<most-read limit=1 {attributes}></most-read>", script=script)
        await expect(page.locator("most-read li")).to_have_text(["1Қала ⚡"])
    assert not [text for text in publisher.console if text.startswith("<most-read>")]
    page = await publisher.open("<most-read><p>Fallback</p></most-read>", script=imported)
    await expect(page.get_by_text("Fallback")).to_be_visible()
    async for _ in every(0.05):
        if any("the address of the service is unknown" in text for text in publisher.console):
            break


async def test_list_says_what_is_wrong_and_keeps_fallback(publisher: Publisher) -> None:
    page = await publisher.open(
        '<most-read window="never" widow="7d" class="x" data-x="1"><p>Fallback</p></most-read>'
    )
    await expect(page.get_by_text("Fallback")).to_be_visible()
    async for _ in every(0.05):
        if sum(text.startswith("<most-read>") for text in publisher.console) == 2:
            break
    reported = "\n".join(publisher.console)
    assert "<most-read>: the attribute widow is unknown; there are site, window, by" in reported
    assert "<most-read>: window cannot be 'never'. Allowed: 1h, 6h, 24h" in reported
    assert "data-x" not in reported


async def test_elements_say_which_values_are_wrong(publisher: Publisher) -> None:
    page = await publisher.open(
        '<most-read images="foo" counts="foo" dates="no" refresh="foo"></most-read>'
        '<most-read images counts="total" dates refresh="30"></most-read>'
        '<most-read-count article="1" what="shares" window="2h" refresh="1"></most-read-count>'
    )
    await expect(page.locator("most-read li")).to_have_count(6)
    async for _ in every(0.05):
        if sum(text.startswith("<most-read") for text in publisher.console) == 7:
            break
    reported = "\n".join(publisher.console)
    for name, value in {"images": "foo", "counts": "foo", "dates": "no", "refresh": "foo"}.items():
        assert f'<most-read>: {name} cannot be "{value}"; write ' in reported
    assert '<most-read-count>: refresh cannot be "1"; write ' in reported
    assert '<most-read-count>: what cannot be "shares"; write ' in reported
    assert "<most-read-count>: window cannot be '2h'. Allowed: " in reported


async def test_list_empties_when_its_last_article_is_hidden(
    publisher: Publisher, counted: Counted
) -> None:
    page = await publisher.open(
        '<most-read section="Қала"><a href="/">Fallback</a><p slot="empty">Nothing</p></most-read>'
    )
    await expect(page.locator("most-read li")).to_have_text(["1Қала ⚡"])
    counted.decision("1", hidden=True, version=10)
    try:
        async for _ in every(0.3):
            if not await page.locator("most-read li").count():
                break
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await expect(page.get_by_text("Nothing")).to_be_visible()
        await expect(page.get_by_text("Fallback")).to_be_hidden()
    finally:
        counted.decision("1", version=11)


async def test_counts_of_page_come_in_one_request(publisher: Publisher) -> None:
    names = ["n1", "n2", "n5", "n21", "unknown", *(f"other {n}" for n in range(90))]
    body = "".join(f'<most-read-count article="{each}"></most-read-count>' for each in names)
    page = await publisher.open(body + '<most-read-count article=" n1 "></most-read-count>', "ru")
    shown = page.locator("most-read-count")
    await expect(shown.last).to_have_text("1 просмотр")
    assert (await shown.all_text_contents())[:5] == [""] * 5
    for number, text in enumerate(["1 просмотр", "2 просмотра", "5 просмотров", "21 просмотр"]):
        await expect(shown.nth(number)).to_have_text(text)
    await expect(shown.nth(4)).to_have_text("0 просмотров")
    assert len([url for url in publisher.requests if "/v1/counts" in url]) == 1


async def test_count_shows_number_of_window_and_language(publisher: Publisher) -> None:
    page = await publisher.open(
        '<most-read-count article="1" window="24h"></most-read-count>'
        '<most-read-count article="1" what="likes" lang="kk"></most-read-count>'
        '<most-read-count article="3" what="likes"></most-read-count>'
        '<most-read-count article="1" what="shares"></most-read-count>'
    )
    shown = page.locator("most-read-count")
    await expect(shown.nth(0)).to_have_text("3,600 views")
    await expect(shown.nth(1)).to_have_text("2 ұнату")
    await expect(shown.nth(2)).to_have_text("0 likes")
    async for _ in every(0.05):
        if any('what cannot be "shares"; write views' in text for text in publisher.console):
            break


async def test_invalid_id_costs_other_articles_nothing(publisher: Publisher) -> None:
    long = "".join(
        f'<most-read-count article="{"ж" * 120}{n:03}"></most-read-count>' for n in range(20)
    )
    page = await publisher.open(
        f'<most-read-count article="a&#x202e;b"></most-read-count>{long}'
        '<most-read-count article="n5"></most-read-count>'
    )
    await expect(page.locator("most-read-count").last).to_have_text("5 views")
    await expect(page.locator("most-read-count").nth(1)).to_have_text("0 views")
    assert max(map(len, publisher.requests)) < 8000


def like(collector: Collecting, article: str = "1") -> str:
    return f'<most-read-like article="{article}" collector="{collector.url}"></most-read-like>'


def sent(collector: Collecting, article: str) -> list[int]:
    """Return what the log has of the likes of an article."""
    return sorted(event.delta for event in collector.events() if event.article_id == article)


async def test_reader_likes_once_and_takes_it_back(
    publisher: Publisher, collector: Collecting
) -> None:
    page = await publisher.open(like(collector) + "<hr>" + like(collector))
    button = page.get_by_role("button", name="Like 2 likes").first
    await expect(button).to_have_attribute("aria-pressed", "false")
    await button.focus()
    await page.keyboard.press("Enter")
    # The other button of the page follows.
    await expect(page.get_by_role("button", name="Like 3 likes", pressed=True)).to_have_count(2)
    await expect(page.locator("most-read-like").last).to_have_attribute("state", "pressed")
    assert sent(collector, "1") == [1]
    # Another tab shows it, and so does the page when it is loaded again.
    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(other.get_by_role("button", name="Like 3 likes", pressed=True)).to_have_count(2)
    await page.bring_to_front()
    await page.keyboard.press("Space")
    await expect(button).to_have_attribute("aria-pressed", "false")
    await expect(other.get_by_role("button", name="Like 2 likes", pressed=False)).to_have_count(2)
    assert sent(collector, "1") == [-1, 1]
    await other.close()


async def test_numbers_follow_a_like_until_the_service_has_counted_it(
    publisher: Publisher, collector: Collecting, counted: Counted, service: str
) -> None:
    page = await publisher.open(
        like(collector, "followed")
        + '<most-read-count article="followed" what="likes"></most-read-count>'
        '<most-read-count article="n1" what="likes"></most-read-count>'
    )
    other = await page.context.new_page()
    await other.goto(page.url)

    async def numbers_are(number: str, *, pressed: bool) -> None:
        for tab in (page, other):
            await expect(
                tab.get_by_role("button", name=f"Like {number}", pressed=pressed)
            ).to_be_visible()
            await expect(tab.locator("most-read-count")).to_have_text([number, "0 likes"])

    await numbers_are("0 likes", pressed=False)
    await page.get_by_role("button").click()
    await numbers_are("1 like", pressed=True)
    counted.event("followed", None, likes=1)
    counted.write()
    # Also replaces the number that the browser has cached.
    url = f"{service}v1/counts?id=followed&id=n1"
    counts = f"fetch('{url}', {{cache: 'reload'}}).then(it => it.json())"
    async for _ in every(0.2):
        if (await page.evaluate(counts))["counts"]["followed"]["likes"] == 1:
            break
    await page.reload()
    await numbers_are("1 like", pressed=True)
    await page.get_by_role("button").click()
    await numbers_are("0 likes", pressed=False)
    await page.reload()
    await numbers_are("0 likes", pressed=False)
    await page.get_by_role("button").click()
    await numbers_are("1 like", pressed=True)
    await other.get_by_role("button").click()
    await numbers_are("0 likes", pressed=False)
    # The number of the service is right again some time later.
    await page.evaluate(
        """for (const [key, text] of Object.entries(localStorage)) {
            const stored = JSON.parse(text);
            localStorage[key] = JSON.stringify({ ...stored, at: stored.at - 90_000 });
        }"""
    )
    await page.reload()
    await other.reload()
    await numbers_are("1 like", pressed=False)
    await other.close()


async def test_like_is_shown_as_before_if_it_is_not_sent(
    publisher: Publisher, collector: Collecting
) -> None:
    page = await publisher.open(like(collector, "3"), lang="ru")
    await page.route(f"{collector.url}/**", lambda route: route.abort())
    button = page.get_by_role("button", name="Нравится 0 лайков")
    await button.click()
    await expect(page.get_by_role("status")).to_have_text("Не отправлено. Попробуйте ещё раз.")
    await expect(button).to_have_attribute("aria-pressed", "false")
    await expect(page.locator("most-read-like")).to_have_attribute("state", "failed")
    await page.unroute_all()
    await button.click()
    await expect(page.get_by_role("button", name="Нравится 1 лайк", pressed=True)).to_be_visible()
    await expect(page.get_by_role("status")).to_have_text("")


async def test_like_counts_once_if_its_answer_is_lost(
    publisher: Publisher, collector: Collecting
) -> None:
    async def lose_answer(route: Any) -> None:
        await route.fetch()
        await route.abort()

    page = await publisher.open(like(collector, "n21"))
    await page.route(f"{collector.url}/**", lose_answer)
    await page.get_by_role("button", name="Like 0 likes").click()
    await expect(page.locator("most-read-like")).to_have_attribute("state", "failed")
    await page.unroute_all()
    await page.reload()
    button = page.get_by_role("button")
    for pressed in ("true", "false", "true"):
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", pressed)
        await expect(button).to_have_attribute("aria-busy", "false")
    events = [event for event in collector.events() if event.article_id == "n21"]
    first, *others = sorted({(event.id, event.delta) for event in events})
    # The collector counts an id once. A like after one that was taken back has another.
    assert (len(events), [delta for _, delta in (first, *others)]) == (4, [-1, 1, 1])
    assert first[0] == others[0][0] != others[1][0]


async def test_old_like_cannot_be_taken_back(publisher: Publisher, collector: Collecting) -> None:
    page = await publisher.open(like(collector, "2"))
    await page.get_by_role("button", name="Like 1 like").click()
    await expect(page.locator("most-read-like")).to_have_attribute("state", "pressed")
    await page.evaluate(
        """for (const key of Object.keys(localStorage)) {
            const stored = JSON.parse(localStorage[key]);
            localStorage[key] = JSON.stringify({ ...stored, at: stored.at - 26 * 60_000 });
        }"""
    )
    await page.reload()
    await expect(page.locator("most-read-like")).to_have_attribute("state", "final")
    button = page.get_by_role("button", pressed=True)
    await expect(button).to_be_disabled()
    await button.click(force=True)
    await expect(page.get_by_role("status")).to_have_text(
        "A like can only be taken back for 25 minutes."
    )
    await expect(button).to_have_attribute("aria-pressed", "true")


async def test_like_works_with_blocked_storage(
    browser: Browser, site: tuple[str, dict[str, str]], service: str, collector: Collecting
) -> None:
    context: BrowserContext = await browser.new_context()
    await context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked'); }})"
    )
    publisher = Publisher(site[0], service, await context.new_page(), site[1])
    page = await publisher.open(like(collector, "n5"))
    await page.get_by_role("button", name="Like 0 likes").click()
    await expect(page.get_by_role("button", name="Like 1 like", pressed=True)).to_be_visible()
    await page.get_by_role("button").click()
    await expect(page.get_by_role("button", name="Like 0 likes", pressed=False)).to_be_visible()
    await context.close()


@pytest.mark.parametrize("lang", ["en", "ru", "kk"])
async def test_axe_finds_no_violations(
    publisher: Publisher, collector: Collecting, browser: Browser, lang: str
) -> None:
    context = await browser.new_context(bypass_csp=True)
    publisher.page = await context.new_page()
    page = await publisher.open(
        "<h1>Page</h1><most-read counts dates images></most-read>"
        f'<p><most-read-count article="1"></most-read-count></p>{like(collector, "n2")}',
        lang=lang,
        path="/axe",
    )
    await expect(page.locator("most-read-count .number")).to_be_visible()
    await expect(page.locator("most-read-like .number")).to_have_text("0")
    await page.get_by_role("button").click()
    await expect(page.get_by_role("button", pressed=True)).to_be_visible()
    assert await axe_violations(page) == []
    await context.close()
