"""The list as a feed, as a piece of a page, and as a script."""

from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import jsonschema
import pytest

from mostread.infra.schemas import openapi
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from mostread.ranking.pages.i18n import TRANSLATORS
from tests.support.http import client_of, every
from tests.support.ranking import FIRST, NOW, Counted, Service, ago

HOSTILE = "</title>]]>&<script>alert('\"')</script>\u202e\ufffe\x0b🐫"


@pytest.fixture
def filled(counted: Counted) -> Counted:
    counted.article(
        "1",
        title="⚡ Қазақстан",
        url="https://n.example/?a=1&b=2",
        section="Қала",
        image="https://i.example/1?a=1&b=2",
    )
    counted.article("2", title=HOSTILE, url="https://n.example/2", published_at=ago(hours=2))
    counted.article("no address", title="x")
    counted.article("script", url="javascript:alert(1)", language="en")
    for views, article_id in enumerate(["undescribed", "script", "no address", "2", "1"], 1):
        counted.event(article_id, ago(minutes=5), views=views * 1000)
    counted.write()
    return counted


@pytest.fixture
async def public(ranking_settings: RankingSettings) -> AsyncIterator[Service]:
    """A service with a configured public URL."""
    addresses = {
        "ranking_public_url": "https://most.example/read/",
        "ranking_home_url": "https://n.example/",
    }
    settings = ranking_settings.model_copy(update=addresses)
    async with (
        ranking_app(settings, clock=lambda: int(NOW.timestamp() * 1000)) as app,
        client_of(app) as client,
    ):
        yield client


async def test_json_feed(public: Service, filled: Counted) -> None:
    answer = await public.get(f"/feed.json?site={filled.site}&lang=kk")
    assert answer.content_type == "application/feed+json"
    feed = await answer.json(content_type=None)
    schema = openapi("ranking")["components"]
    jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/JsonFeed", "components": schema},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    ).validate(feed)
    assert feed["title"] == "Ең көп оқылғандар"
    assert feed["home_page_url"] == "https://n.example/"
    address = f"https://most.example/read/feed.json?site={filled.site}&lang=kk"
    assert feed["feed_url"] == address
    first, second = feed["items"]
    assert first == {
        "id": f"article:{filled.site}:1",
        "url": "https://n.example/?a=1&b=2",
        "title": "⚡ Қазақстан",
        "content_text": "⚡ Қазақстан",
        "image": "https://i.example/1?a=1&b=2",
        "tags": ["Қала"],
        "_mostread": {"rank": 1, "total": {"views": 5000, "comments": 0, "likes": 0}},
    }
    assert (second["title"], second["date_published"]) == (HOSTILE, "2026-11-23T12:03:05.000Z")


async def test_rss(public: Service, filled: Counted) -> None:
    answer = await public.get(f"/feed.xml?site={filled.site}&language=ru")
    assert answer.content_type == "application/rss+xml"
    empty = ElementTree.fromstring(await answer.read())
    assert empty.findtext("channel/language") == "ru"
    assert empty.findall("channel/item") == []
    body = await (await public.get(f"/feed.xml?site={filled.site}")).read()
    rss = ElementTree.fromstring(body)
    assert (rss.tag, rss.get("version")) == ("rss", "2.0")
    channel = rss.find("channel")
    assert channel is not None
    # Required by RSS 2.0, and recommended by the RSS Best Practices Profile.
    for name in ("title", "link", "description"):
        assert channel.findtext(name)
    itself = channel.find("{http://www.w3.org/2005/Atom}link")
    assert itself is not None
    assert itself.get("href") == f"https://most.example/read/feed.xml?site={filled.site}"
    first, second = channel.findall("item")
    assert first.findtext("link") == "https://n.example/?a=1&b=2"
    assert first.findtext("category") == "Қала"
    assert first.findtext("guid") == f"article:{filled.site}:1"
    assert first.findtext("description") == "Rank 1 among the most read in 24 hours"
    image = first.find("{http://search.yahoo.com/mrss/}content")
    assert image is not None
    assert image.attrib == {"url": "https://i.example/1?a=1&b=2", "medium": "image"}
    assert second.find("{http://search.yahoo.com/mrss/}content") is None
    # Characters that XML cannot represent are replaced.
    assert second.findtext("title") == HOSTILE.replace("\ufffe", "\ufffd").replace("\x0b", "\ufffd")
    published = parsedate_to_datetime(second.findtext("pubDate") or "")
    assert published == datetime.fromisoformat("2026-11-23T12:03:05+00:00")


async def test_rss_states_its_time_which_its_etag_ignores(
    service: Service, filled: Counted
) -> None:
    answers = []
    for seconds in (9, 3):
        filled.progress(ago(seconds=seconds), 0, 1, FIRST)
        async for _ in every(0.1):
            answer = await service.get(f"/feed.xml?site={filled.site}")
            built = ElementTree.fromstring(await answer.read()).findtext("channel/lastBuildDate")
            if built and parsedate_to_datetime(built) == ago(seconds=seconds):
                break
        answers.append(answer.headers["ETag"])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("path", ["feed.json", "feed.xml", "v1/most-read.html", "widget.js"])
async def test_feed_returns_304_if_unchanged(service: Service, path: str) -> None:
    first = await service.get(f"/{path}")
    assert first.status == 200, await first.text()
    again = await service.get(f"/{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304
    assert "max-age" in again.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["feed.json", "feed.xml"])
async def test_feed_may_be_stored_by_shared_caches_with_a_public_url_only(
    public: Service, service: Service, path: str
) -> None:
    expected = [(public, "public, max-age=60"), (service, "private, max-age=60")]
    for client, cache_control in expected:
        answer = await client.get(f"/{path}", headers={"Host": "evil.example"})
        assert answer.headers["Cache-Control"] == cache_control
        assert ("evil.example" in await answer.text()) is (client is service)


async def test_feed_without_settings_uses_request_url(service: Service) -> None:
    answer = await service.get("/feed.json")
    feed = await answer.json(content_type=None)
    assert feed["feed_url"] == str(answer.url)
    assert feed["home_page_url"] == str(answer.url.with_path("/"))


class Elements(HTMLParser):
    """The elements of a page: name, attributes, and the text within, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.elements and data.strip():
            tag, attributes, text = self.elements[-1]
            self.elements[-1] = (tag, attributes, text + data.strip("\n"))

    def named(self, *names: str) -> list[tuple[str, dict[str, str | None], str]]:
        return [element for element in self.elements if element[0] in names]


async def test_html_fragment_escapes_rows(service: Service, filled: Counted) -> None:
    answer = await service.get(f"/v1/most-read.html?site={filled.site}&lang=ru")
    assert answer.content_type == "text/html"
    page = Elements(await answer.text())
    assert page.named("script") == []
    assert page.elements[0] == (
        "section",
        {"class": "most-read", "lang": "ru", "aria-label": "Самое читаемое"},
        "",
    )
    assert [link["href"] for _, link, _ in page.named("a")] == [
        "https://n.example/?a=1&b=2",
        "https://n.example/2",
    ]
    assert [row["value"] for _, row, _ in page.named("li")] == ["1", "2", "3", "4", "5"]
    assert [text for _, _, text in page.named("bdi")] == [
        "⚡ Қазақстан",
        HOSTILE,
        "x",
        "Title of script",
        "undescribed",
    ]
    assert page.named("span")[0][2] == "5\u202f000\u00a0просмотров за 24 часа"
    address = f"/v1/most-read.html?site={filled.site}&counts=total"
    totals = Elements(await (await service.get(address)).text())
    assert totals.named("span")[0][2] == "Views: 5,000 · Comments: 0 · Likes: 0"
    plain = await (await service.get(f"/v1/most-read.html?site={filled.site}&counts=0")).text()
    assert "<span" not in plain
    nothing = await (await service.get("/v1/most-read.html?site=nobody&lang=kk")).text()
    assert "Әзірге ештеңе жоқ." in nothing


async def test_elements_have_words_of_fragment(service: Service) -> None:
    script = await (await service.get("/widget.js")).text()
    for t in TRANSLATORS.values():
        assert f'"most_read": "{t("most_read")}"' in script
