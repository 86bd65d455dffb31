"""The page of one article, `/articles/{article_id}`."""

import re
from urllib.parse import urljoin

from yarl import URL

from tests.support.ranking import FIRST, STRANGE, Counted, Service, ago


async def page(service: Service, address: str, status: int = 200) -> str:
    answer = await service.get(URL(address, encoded=True))
    assert answer.status == status
    assert answer.content_type == "text/html"
    return await answer.text()


def cells(text: str) -> list[list[str]]:
    """Return the rows of all tables of counts, as text."""
    rows = re.findall("<tr>(.*?)</tr>", text.partition('id="ranks"')[0])
    return [
        [re.sub("<[^>]+>", "", cell) for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


async def test_article_page_shows_metadata_and_counts(service: Service, counted: Counted) -> None:
    counted.article(
        "1",
        title="⚡ Қазақстан",
        url="https://news.example/1",
        language="kk",
        section="A&B",
        published_at=ago(days=1),
    )
    counted.event("1", ago(minutes=5), views=1200, comments=2, likes=37)
    counted.event("1", ago(hours=30), views=5)
    counted.event("1", None, views=3)
    counted.write()
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    text = await page(service, f"/articles/1?site={counted.site}&tz=Asia/Almaty&over=7d")
    assert '<bdi lang="kk">⚡ Қазақстан</bdi></h1>' in text
    assert '<a href="https://news.example/1" rel="noopener">' in text
    assert f'href="../?site={counted.site}&amp;tz=Asia%2FAlmaty&amp;section=A%26B"' in text
    assert "Published 22 November 2026, 19:03" in text
    assert "19:03:00 (Asia/Almaty)</time> are counted." in text
    assert cells(text) == [
        ["", "views", "comments", "likes"],
        ["1 hour", "1,200", "2", "37"],
        ["24 hours", "1,200", "2", "37"],
        ["7 days", "1,205", "2", "37"],
        ["Total", "1,208", "2", "37"],
        ["hour", "views", "comments", "likes"],
        ["23 November, 18:00", "1,200", "2", "37"],
        ["22 November, 13:00", "5", "0", "0"],
    ]
    minutes = await page(service, f"/articles/1?site={counted.site}&over=3h")
    assert cells(minutes)[5:] == [
        ["minute", "views", "comments", "likes"],
        ["23 November, 13:58", "1,200", "2", "37"],
    ]


async def test_list_page_links_to_every_article_page(service: Service, counted: Counted) -> None:
    for views, article_id in enumerate(STRANGE, 1):
        counted.event(article_id, ago(minutes=5), views=views)
    counted.write()
    listed = await page(service, f"/?site={counted.site}&tz=Asia/Almaty")
    leading = re.findall('<a class="title" href="([^"]+)"', listed)
    # Browsers treat two dots as a path segment.
    expected = [str(views) for views, each in enumerate(STRANGE, 1) if each != ".."]
    totals = []
    for address in leading:
        text = await page(service, urljoin("/", address.replace("&amp;", "&")))
        assert f'<a href="../?site={counted.site}&amp;tz=Asia%2FAlmaty">' in text
        totals += [row[1] for row in cells(text) if row[0] == "Total"]
    assert sorted(totals, key=int) == expected


async def test_article_page_escapes_hostile_title(service: Service, counted: Counted) -> None:
    title = "</title><script>alert(1)</script>"
    counted.article("1", title=title, url="javascript:alert(1)", section='"><b>')
    counted.write()
    text = await page(service, f"/articles/1?site={counted.site}")
    assert "alert(1)</script>" not in text
    assert "javascript:" not in text
    assert "<b>" not in text
    assert text.count("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert "No events in this period." in text


async def test_article_page_assets_exist_and_are_immutable(
    service: Service, counted: Counted
) -> None:
    counted.article("1")
    text = await page(service, f"/articles/1?site={counted.site}")
    loaded = re.findall(r'<(?:link|script)[^>]+(?:href|src)="([^"]+)"', text)
    assert len(loaded) > 5
    for address in loaded:
        answer = await service.get(urljoin("/articles/1", address))
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert "style=" not in text


async def test_article_page_explains_unknown_article_and_parameter(
    service: Service, counted: Counted
) -> None:
    text = await page(service, f"/articles/%3Cb%3E?site={counted.site}", status=404)
    assert f"Site {counted.site} has no article &lt;b&gt;" in text
    assert 'href="../"' in text
    text = await page(service, "/articles/1?over=1y", status=400)
    assert "over cannot be &#39;1y&#39;. Allowed: 3h, 24h, 7d, 30d." in text
    text = await page(service, "/articles/%FF", status=400)
    assert "article_id is not valid. Allowed: 1 to 128 characters of UTF-8" in text


async def test_article_page_shows_rank_history(service: Service, counted: Counted) -> None:
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    counted.event("a", ago(hours=3), views=2)
    counted.event("b", ago(hours=2), views=3)
    counted.event("c", ago(minutes=2), views=9)
    counted.write()
    pages = {}
    for article_id in "abc":
        answer = await service.get(f"/articles/{article_id}?site={counted.site}&tz=Asia/Almaty")
        pages[article_id] = await answer.text()
    assert "23 November, 19:00: rank 2. Best: 1 (23 November, 17:00)." in pages["a"]
    assert pages["a"].count("<polyline") == 1
    assert '<time datetime="2026-11-23T12:00:00.000Z">23 November, 17:00</time>' in pages["a"]
    assert "23 November, 19:00: rank 1. Best: 1 (23 November, 19:00)." in pages["b"]
    assert "Not in the top 1000 in the last 48 hours." in pages["c"]
    assert "<polyline" not in pages["c"]
