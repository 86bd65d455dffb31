"""The page of one article, `/articles/{article_id}`."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

from yarl import URL

from tests.support.ranking import EDITOR, FIRST, NOW, STRANGE, Counted, Service, ago


async def page(service: Service, address: str, status: int = 200) -> str:
    answer = await service.get(URL(address, encoded=True))
    assert answer.status == status
    assert answer.content_type == "text/html"
    return await answer.text()


def cells(text: str) -> list[list[str]]:
    """Return the rows of the tables of counts, as text."""
    rows = re.findall("<tr>(.*?)</tr>", text.partition('id="ranks"')[0])
    return [
        [re.sub("<[^>]+>", "", cell) for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


def titles(text: str) -> list[str]:
    """Return what the chart says of each bin."""
    return re.findall("<rect[^>]*><title>([^<]*)</title>", text)


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
    assert '<a href="https://news.example/1" rel="noopener" target="_blank">' in text
    assert f'href="../?site={counted.site}&amp;tz=Asia%2FAlmaty&amp;section=A%26B"' in text
    assert "Published 22 November 2026, 19:03" in text
    assert "19:03:00 (Asia/Almaty)</time> are counted." in text
    assert cells(text) == [
        ["", "1 hour", "Total"],
        ["views", "1,200", "1,208"],
        ["comments", "2", "2"],
        ["likes", "37", "37"],
        ["hour", "views", "comments", "likes"],
        ["23 November, 18:00", "1,200", "2", "37"],
        ["22 November, 13:00", "5", "0", "0"],
    ]
    minutes = await page(service, f"/articles/1?site={counted.site}&over=3h")
    assert cells(minutes)[4:] == [
        ["minute", "views", "comments", "likes"],
        ["23 November, 13:58", "1,200", "2", "37"],
    ]


async def test_chart_has_bins_of_ten_minutes_and_marks_the_one_in_progress(
    service: Service, counted: Counted
) -> None:
    counted.article("1", published_at=ago(hours=20))
    counted.event("1", ago(minutes=13, seconds=4), views=2)
    counted.event("1", ago(minutes=14), views=4, comments=1)
    counted.event("1", ago(minutes=23), views=3)
    counted.event("1", ago(minutes=4), likes=1)
    counted.event("1", ago(minutes=1), views=1)
    counted.write()
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    text = await page(service, f"/articles/1?site={counted.site}")
    shown = titles(text)
    assert len(shown) == 20 * 6 + 1
    assert shown[0] == "22 November, 18:00: 0 views"
    assert shown[-3:] == [
        "23 November, 13:40: 7 views, 1 comment",
        "23 November, 13:50: 2 views, 1 like",
        "23 November, 14:00: 1 view (so far)",
    ]
    [bar] = re.findall('<path class="unfinished" d="M([0-9.]+) 1000V[0-9]+H1000V1000z"', text)
    [line] = re.findall('<path class="line" d="([^"]+)"', text)[:1]
    assert float(line.split("L")[-1].split()[0]) < float(bar)
    assert ">published</text>" in text


async def test_chart_by_day_has_days_of_the_zone(service: Service, counted: Counted) -> None:
    counted.article("1")
    for hours in (1, 19, 20):
        counted.event("1", NOW.replace(minute=30, second=0) - timedelta(hours=hours), views=hours)
    counted.write()
    for zone, expected in {
        # Midnight is at 18:30 UTC, in the middle of an hour.
        "Asia/Kolkata": ["22 November: 0 views", "23 November: 40 views"],
        "UTC": ["22 November: 39 views", "23 November: 1 view"],
    }.items():
        text = await page(service, f"/articles/1?site={counted.site}&over=30d&tz={zone}")
        assert len(titles(text)) == 30
        assert [each.split(" (")[0] for each in titles(text)[-2:]] == expected


async def test_own_period_includes_its_last_day(service: Service, counted: Counted) -> None:
    counted.article("1", published_at=ago(days=9))
    for days in range(9):
        counted.event("1", ago(days=days), views=1 + days)
    counted.write()
    text = await page(
        service, f"/articles/1?site={counted.site}&from=2026-11-18&to=2026-11-20&lang=ru"
    )
    assert [row[1] for row in cells(text) if "ноября" in row[0]] == ["4", "5", "6"]
    assert '<input type="date" name="from" value="2026-11-18"' in text
    assert '<input type="date" name="to" value="2026-11-20"' in text
    assert '<input type="hidden" name="lang" value="ru">' in text


async def test_repeated_hour_is_shown_with_its_offset(service: Service, counted: Counted) -> None:
    counted.article("1")
    for hour in (5, 6):
        counted.event("1", datetime(2026, 11, 1, hour, tzinfo=UTC), views=hour)
    counted.write()
    text = await page(
        service,
        f"/articles/1?site={counted.site}&tz=America/New_York&from=2026-11-01&to=2026-11-02",
    )
    assert cells(text)[-2:] == [
        ["1 November, 01:00 (UTC\u221205:00)", "6", "0", "0"],
        ["1 November, 01:00 (UTC\u221204:00)", "5", "0", "0"],
    ]


async def test_article_is_compared_with_median_of_its_section(
    service: Service, counted: Counted
) -> None:
    counted.article("1", section="City", published_at=ago(hours=3))
    # Three hours are over; the views of the fourth do not count.
    for hours, views in ((3, 40), (2, 20), (0, 500)):
        counted.event("1", ago(hours=hours), views=views)
    for number in range(5):
        article_id, born = f"typical-{number}", timedelta(days=2 + number)
        counted.article(article_id, section="City", published_at=NOW - born)
        counted.event(article_id, NOW - born, views=10 * number)
        counted.event(article_id, NOW - born + timedelta(hours=1), views=5)
        counted.event(article_id, NOW - born + timedelta(hours=9), views=1000)
    # Counting began in the hour in which the last of them was published, and has seen it in part.
    counted.article("partly", section="City", published_at=NOW - timedelta(days=7))
    counted.event("partly", NOW - timedelta(days=7), views=7)
    counted.article("before", section="City", published_at=NOW - timedelta(days=8))
    counted.article("long ago", section="City", published_at=NOW - timedelta(days=500))
    counted.article("other", section="Sport", published_at=ago(days=2))
    counted.event("other", ago(days=2), views=9000)
    for number in range(5):
        counted.article(f"few-{number}", section="Few", published_at=ago(days=2))
        counted.event(f"few-{number}", ago(days=1), views=29)
    counted.write()
    text = await page(service, f"/articles/1?site={counted.site}")
    # The median of 5, 15, 25, 35, 45 and the article's own 60.
    assert (
        "2.0× a typical article in City: 60 views in the first 3 hours, "
        "against a median of 30 for 6 articles."
    ) in text
    assert "typical article in City at the same age</span>" in text
    assert '<path class="typical" d="M' in text
    # One article is not typical of a section, few views are of none, and the first views of an
    # article may be unknown.
    for article_id in ("other", "few-1", "partly", "before", "long%20ago"):
        text = await page(service, f"/articles/{article_id}?site={counted.site}")
        assert "typical article" not in text


async def test_decisions_are_marked_in_chart_for_editors_only(
    service: Service, counted: Counted
) -> None:
    counted.article("1", published_at=ago(hours=20))
    counted.event("1", ago(hours=2), views=1)
    counted.write()
    counted.decision("1", pinned=2, by="Анна", decided_at=ago(hours=10))
    address = f"/articles/1?site={counted.site}"
    assert "Анна" not in await page(service, address)
    answer = await service.get(address, headers=EDITOR)
    assert ">pinned to rank 2 (Анна)</text>" in await answer.text()


async def test_exclusions_in_effect_are_marked_in_chart_for_editors_only(
    service: Service, counted: Counted
) -> None:
    counted.article("1", published_at=ago(hours=20))
    counted.event("1", ago(hours=2), views=1)
    counted.write()
    applied = int(NOW.timestamp() * 1000)
    counted.exclusion("1", "add", applied_at=applied)
    counted.exclusion("2", "add", applied_at=applied)
    address = f"/articles/1?site={counted.site}&tz=UTC"
    mark = ">not counted until 23 November, 13:13</text>"
    assert "not counted" not in await page(service, address)
    assert mark in await (await service.get(address, headers=EDITOR)).text()
    counted.exclusion("1", "remove")
    assert mark in await (await service.get(address, headers=EDITOR)).text()
    counted.exclusion("1", "remove", applied_at=applied, version=1)
    assert "not counted" not in await (await service.get(address, headers=EDITOR)).text()


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
        totals.append(cells(text)[1][-1])
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
    assert "over cannot be &#39;1y&#39;. Allowed: life, 3h, 24h, 7d, 30d, 400d." in text
    counted.article("1")
    text = await page(service, f"/articles/1?site={counted.site}&from=2026-11-24", status=400)
    assert "from is not before now" in text
    reversed_range = f"site={counted.site}&from=2026-11-20&to=2026-11-19&lang=ru"
    for path in ("/", "/articles/1"):
        text = await page(service, f"{path}?{reversed_range}", status=400)
        assert "Последний день раньше первого." in text
    text = await page(service, "/articles/%FF", status=400)
    assert "article_id is not valid. Allowed: 1 to 128 characters of UTF-8" in text


async def test_article_page_shows_rank_history(service: Service, counted: Counted) -> None:
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    counted.article("a", published_at=ago(hours=4))
    counted.event("a", ago(hours=3), views=2)
    counted.event("b", ago(hours=2), views=3)
    counted.event("c", ago(minutes=2), views=9)
    counted.event("d", ago(hours=30), views=1)
    counted.write()
    pages = {}
    for article_id in "abcd":
        answer = await service.get(f"/articles/{article_id}?site={counted.site}&tz=Asia/Almaty")
        pages[article_id] = await answer.text()
    assert "23 November, 19:00: rank 2 of 2. Best: 1 (23 November, 17:00)." in pages["a"]
    assert '<time datetime="2026-11-23T12:00:00.000Z">23 November, 17:00</time>' in pages["a"]
    # From the hour of publication, on a scale down to the last rank of a short list.
    ranks = pages["a"].partition('id="ranks"')[2]
    assert re.findall('<text x="0" [^>]*>([^<]+)', ranks) == ["1", "10"]
    assert "23 November, 19:00: rank 1 of 2." in pages["b"]
    assert "No rank yet: the first one follows at the end of the hour." in pages["c"]
    assert "23 November, 19:00: below rank 1,000. Best: 1" in pages["d"]
    assert 'class="plot ranks"' not in pages["c"]


async def test_deleted_article_says_so(service: Service, counted: Counted) -> None:
    counted.event("a", ago(hours=30), views=1)
    counted.write()
    counted.article("a", deleted=True)
    answer = await service.get(f"/articles/a?site={counted.site}", headers=EDITOR)
    text = await answer.text()
    assert "deleted by the CMS" in text
    assert "No rank: the article is not in the list now." in text


async def test_address_with_a_slash_too_many_leads_to_the_page(
    service: Service, counted: Counted
) -> None:
    counted.event("1", ago(minutes=5), views=3)
    counted.article("to come", published_at=ago(days=-1))
    counted.write()
    for path, location in (
        (f"/articles/1/?site={counted.site}", f"../1?site={counted.site}"),
        (f"/articles/x%2Fy/?site={counted.site}", f"../x%2Fy?site={counted.site}"),
        ("/decisions/?kind=hidden", "../decisions?kind=hidden"),
    ):
        answer = await service.get(URL(path, encoded=True), allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (308, location)
    # A typed slash is not encoded, so the styles are one step further up.
    text = await page(service, f"/articles/x/y?site={counted.site}", status=404)
    assert '<link rel="stylesheet" href="../../static/base.css' in text


async def test_article_page_shows_age_and_picture(service: Service, counted: Counted) -> None:
    image = "https://news.example/1.jpg"
    counted.article("1", published_at=ago(hours=5), image=image)
    counted.article("2", published_at=ago(days=-1), image="javascript:alert(1)")
    counted.write()
    text = await page(service, f"/articles/1?site={counted.site}")
    assert f'<img class="picture" src="{image}" alt=""' in text
    assert '<time datetime="2026-11-23T09:03:05.000Z">5 h</time>' in text
    assert "Published 23 November 2026, 09:03 (UTC)" in text
    answer = await service.get(f"/articles/2?site={counted.site}", headers=EDITOR)
    scheduled = await answer.text()
    assert "To be published 24 November 2026, 14:03 (UTC)" in scheduled
    assert "javascript:" not in scheduled
    # Without an event there is nothing to point at.
    assert "No events in this period." in scheduled
    assert "Point at the chart" not in scheduled
