"""The list page at `/`."""

import gzip
import re
from urllib.parse import urljoin

from tests.support.ranking import FIRST, Counted, Service, ago


async def page(service: Service, query: str) -> str:
    answer = await service.get(f"/?{query}")
    assert answer.status == 200
    return await answer.text()


async def test_list_page_shows_list(service: Service, counted: Counted) -> None:
    counted.article("1", title="⚡ Қазақстан", url="https://news.example/1", language="kk")
    counted.event("1", ago(minutes=5), views=3, comments=2, likes=37)
    counted.event("1", None, views=3922)
    counted.write()
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    text = await page(service, f"site={counted.site}")
    link = f'<a class="title" href="articles/1?site={counted.site}" title="⚡ Қазақстан">'
    assert f'{link}<bdi lang="kk">⚡ Қаз' in text
    # The page stays open beside the article.
    assert '<a class="out" href="https://news.example/1" target="_blank" rel="noopener">' in text
    assert "<dd>3,925</dd>" in text
    assert "3 views in 24 hours" in text
    assert "14:03:00 (UTC)</time> are counted." in text
    assert f'<a href="?site={counted.site}&amp;window=24h" aria-current="page">24 hours</a>' in text
    assert f'<a href="?site={counted.site}&amp;window=7d">7 days</a>' in text


async def test_list_page_escapes_titles_and_links_http_only(
    service: Service, counted: Counted
) -> None:
    counted.article("1", title="<script>alert(1)</script>", url="javascript:alert(1)")
    counted.article("2", title='" onmouseover="x', url='https://news.example/"><script>')
    for article_id in ("1", "2", "<b>3"):
        counted.event(article_id, ago(minutes=5), views=1)
    counted.write()
    text = await page(service, f"site={counted.site}&section=%3Cb%3E")
    assert "Nothing here yet" in text
    for over in ("window=yesterday", "from=2026-11-01&to=2026-11-02"):
        text = await page(service, f"site={counted.site}&section=%3Cb%3E&{over}")
        assert "Nothing here yet" not in text
        assert "Choose another window." in text
    text += await page(service, f"site={counted.site}")
    assert re.findall("<script[^>]*>", text) == re.findall(
        '<script type="module" src="static[^>]*>', text
    )
    assert "<b>" not in text
    assert "javascript:" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert 'href="https://news.example/&#34;&gt;&lt;script&gt;"' in text


async def test_list_page_warns_when_counting_is_behind(service: Service, counted: Counted) -> None:
    counted.event("1", ago(minutes=5), views=1)
    counted.write()
    counted.progress(ago(days=1), 0, 1, FIRST)
    text = await page(service, f"site={counted.site}&tz=Asia/Almaty")
    assert "These numbers are out of date." in text
    assert "22 November 2026, 19:03:05 (Asia/Almaty)" in text
    assert "are counted." not in text


async def test_list_page_loads_only_own_assets(service: Service) -> None:
    answer = await service.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "require-trusted-types-for 'script'; trusted-types live" in policy
    assert "unsafe" not in policy
    text = await answer.text()
    for loaded in re.findall(r'<(?:link|img|script)[^>]+(?:href|src)="([^"]+)"', text):
        asset = await service.get("/" + loaded)
        assert asset.status == 200
        assert "immutable" in asset.headers["Cache-Control"]
    assert "style=" not in text
    assert not re.search(" on[a-z]+=", text)
    assert (await service.get("/static/nothing.css")).status == 404


async def test_list_page_explains_invalid_parameter(service: Service) -> None:
    answer = await service.get("/?window=%3Cb%3E")
    assert answer.status == 400
    assert answer.content_type == "text/html"
    text = await answer.text()
    assert "window cannot be &#39;&lt;b&gt;&#39;" in text


async def test_page_scripts_are_small(service: Service, counted: Counted) -> None:
    counted.article("1")
    scripts: set[str] = set()
    for address in ("/", f"/articles/1?site={counted.site}"):
        text = await (await service.get(address)).text()
        scripts |= {urljoin(address, each) for each in re.findall('<script[^>]+src="([^"]+)', text)}
    assert len(scripts) > 4
    sent = [gzip.compress(await (await service.get(each)).read()) for each in scripts]
    assert sum(map(len, sent)) < 60_000


async def test_list_page_shows_rank_changes(service: Service, counted: Counted) -> None:
    for article_id, before, lately in (("1", 30, 0), ("2", 20, 20), ("3", 0, 35), ("4", 10, 0)):
        counted.event(article_id, ago(hours=3), views=before)
        counted.event(article_id, ago(minutes=5), views=lately)
    counted.article("4", pinned=4)
    counted.write()
    text = await page(service, f"site={counted.site}")
    changes = re.findall(r'<span class="change [^>]+>(.*?)</span></span>', text)
    plain = [re.sub("<[^>]+>", " ", each).split(maxsplit=1) for each in changes]
    assert plain == [["▲1", "up 1 from 2"], ["new", "new"], ["▼2", "down 2 from 1"]]
    assert "compared with an hour ago." in text


async def test_list_page_marks_nothing_new_without_previous_ranks(
    service: Service, counted: Counted
) -> None:
    counted.event("1", ago(minutes=5), views=1)
    counted.write()
    text = await page(service, f"site={counted.site}")
    assert 'value="1"' in text
    assert 'class="change' not in text


async def test_list_page_links_to_filter_values(service: Service, counted: Counted) -> None:
    for article_id, section, language in (
        ("1", "A&B", "kk"),
        ("2", "A&B", "kk-KZ"),
        ("3", "C", "ru"),
    ):
        counted.article(article_id, section=section, language=language)
        counted.event(article_id, ago(minutes=5), views=1)
    counted.write()
    here = f"site={counted.site}&amp;"
    text = await page(service, f"site={counted.site}&window=7d&language=KK&offset=1")
    offered = dict(re.findall(r'<a href="\?([^"]+)"[^>]*><bdi>([^<]+)</bdi></a>', text))
    assert offered[f"{here}window=7d&amp;language=KK&amp;section=A%26B"] == "A&amp;B"
    assert offered[f"{here}window=7d&amp;language=KK"] == "all"
    assert offered[f"{here}window=7d&amp;language=ru"] == "ru"
    assert f'{here}window=7d&amp;language=kk" aria-current="true"><bdi>kk<' in text
    # Another site has other sections.
    assert (
        f'<a href="?{here}window=7d&amp;language=KK" aria-current="true"><bdi>{counted.site}'
        in text
    )


async def test_list_page_links_to_previous_and_next_page(
    service: Service, counted: Counted
) -> None:
    for number in range(5):
        counted.event(str(number), ago(minutes=5), views=9 - number)
    counted.write()
    here = f"?site={counted.site}&amp;limit=2"
    first = await page(service, f"site={counted.site}&limit=2")
    assert f'<a rel="next" href="{here}&amp;offset=2">Ranks 3 to 4 →</a>' in first
    assert 'rel="prev"' not in first
    middle = await page(service, f"site={counted.site}&limit=2&offset=2")
    assert re.findall('<li value="([0-9]+)"', middle) == ["3", "4"]
    assert f'<a rel="prev" href="{here}">← Ranks 1 to 2</a>' in middle
    last = await page(service, f"site={counted.site}&limit=2&offset=4")
    assert 'rel="next"' not in last
    beyond = await page(service, f"site={counted.site}&limit=2&offset=6")
    assert "The list ends before this page" in beyond


async def test_list_page_has_sparkline_per_row(service: Service, counted: Counted) -> None:
    for article_id, hour in (("1", 0), ("1", 3), ("2", 23), ("2", 24)):
        # The current hour is three minutes old.
        counted.event(article_id, ago(hours=hour, minutes=1), views=10)
    counted.event("1", ago(hours=3, minutes=1), views=10)
    counted.write()
    text = await page(service, f"site={counted.site}")
    bars = [
        [(int(x) // 4, float(height)) for x, height in re.findall(r"M(\d+) 24v-([0-9.]+)", path)]
        for path in re.findall('<path[^>]* d="([^"]*)"/>', text)
    ]
    # The hour in progress is apart: nobody takes it for a fall.
    assert bars == [[(21, 24.0)], [(24, 12.0)], [(0, 24.0), (1, 24.0)], []]
    assert re.findall('height="([0-9.]+)%"', text) == ["100.0", "50.0"]


async def test_list_page_uses_language_of_url_or_browser(
    service: Service, counted: Counted
) -> None:
    counted.event("1", ago(minutes=5), views=1234, likes=1)
    counted.write()
    counted.progress(ago(days=1), 0, 1, FIRST)
    pages = {}
    for address, accepted, lang in (
        ("", "kk-KZ,ru;q=0.8", "kk"),
        ("", "de, ru;q=0.8, en;q=0.7", "ru"),
        ("", "de, *;q=nonsense", "en"),
        ("&lang=ru", "kk", "ru"),
    ):
        url = f"/?site={counted.site}{address}"
        answer = await service.get(url, headers={"Accept-Language": accepted})
        assert answer.headers["Content-Language"] == lang
        assert answer.headers["Vary"] == "Accept-Encoding, Accept-Language, Cookie"
        pages[lang] = await answer.text()
        assert f'<html lang="{lang}"' in pages[lang]
    assert "<h1>Ең көп оқылғандар</h1>" in pages["kk"]
    assert "24 сағатта 1\u202f234 қаралым" in pages["kk"]
    assert "22 қараша 2026, 14:03:05 (UTC)" in pages["kk"]
    assert "просмотры за 24 часа: 1\u202f234" in pages["ru"]
    assert "22 ноября 2026, 14:03:05 (UTC)" in pages["ru"]
    # Links keep the parameters of the URL; the stream is in the language of the page.
    assert "window=7d" in pages["ru"]
    links = re.findall('href="([?a][^"]*)"', pages["ru"])
    assert {each for each in links if "lang=ru" not in each} == {
        f"?site={counted.site}&amp;lang={lang}" for lang in ("en", "kk")
    }
    assert f'data-page="site={counted.site}&amp;lang=ru&amp;compare=day"' in pages["ru"]


async def test_error_page_uses_language_of_reader(service: Service) -> None:
    answer = await service.get("/?window=never&lang=kk")
    assert answer.status == 400
    assert "Бұл мекенжай түсініксіз" in await answer.text()
    answer = await service.get("/?lang=de")
    assert answer.status == 400
    assert "lang cannot be &#39;de&#39;. Allowed: en, ru, kk." in await answer.text()
