"""The page at `/`."""

import re

from ranked_site import FIRST, Counted, Service, ago


async def page(service: Service, query: str) -> str:
    answer = await service.get(f"/?{query}")
    assert answer.status == 200
    return await answer.text()


async def test_it_shows_the_list(service: Service, counted: Counted) -> None:
    counted.article("1", title="⚡ Қазақстан", url="https://news.example/1", language="kk")
    counted.event("1", ago(minutes=5), views=3, comments=2, likes=37)
    counted.event("1", None, views=3922)
    counted.write()
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    text = await page(service, f"site={counted.site}")
    assert (
        '<a href="https://news.example/1" rel="noopener"><bdi lang="kk">⚡ Қазақстан</bdi></a>'
        in text
    )
    assert "<dd>3\u202f925</dd>" in text
    assert "3 views in 24 hours" in text
    assert "14:03:00 (UTC)</time> are counted." in text
    assert f'<a href="?site={counted.site}&amp;window=24h" aria-current="page">24 hours</a>' in text
    assert f'<a href="?site={counted.site}&amp;window=7d">7 days</a>' in text


async def test_a_title_is_text_and_only_http_is_a_link(service: Service, counted: Counted) -> None:
    counted.article("1", title="<script>alert(1)</script>", url="javascript:alert(1)")
    counted.article("2", title='" onmouseover="x', url='https://news.example/"><script>')
    for article_id in ("1", "2", "<b>3"):
        counted.event(article_id, ago(minutes=5), views=1)
    counted.write()
    text = await page(service, f"site={counted.site}&section=%3Cb%3E")
    assert "Nothing here yet" in text
    text += await page(service, f"site={counted.site}")
    assert "<script" not in text
    assert "<b>" not in text
    assert "javascript:" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert 'href="https://news.example/&#34;&gt;&lt;script&gt;"' in text


async def test_it_warns_where_the_counting_is_behind(service: Service, counted: Counted) -> None:
    counted.event("1", ago(minutes=5), views=1)
    counted.write()
    counted.progress(ago(days=1), 0, 1, FIRST)
    text = await page(service, f"site={counted.site}&tz=Asia/Almaty")
    assert "These numbers are behind." in text
    assert "22 November 2026, 19:03:05 (Asia/Almaty)" in text
    assert "are counted." not in text


async def test_it_runs_nothing_and_asks_nobody_else(service: Service) -> None:
    answer = await service.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self';")
    assert "unsafe" not in policy
    text = await answer.text()
    for loaded in re.findall(r'<(?:link|img|script)[^>]+(?:href|src)="([^"]+)"', text):
        asset = await service.get("/" + loaded)
        assert asset.status == 200
        assert "immutable" in asset.headers["Cache-Control"]
    assert "style=" not in text
    assert (await service.get("/static/nothing.css")).status == 404


async def test_an_address_it_does_not_understand_is_told_in_words(service: Service) -> None:
    answer = await service.get("/?window=%3Cb%3E")
    assert answer.status == 400
    assert answer.content_type == "text/html"
    text = await answer.text()
    assert "window cannot be &#39;&lt;b&gt;&#39;" in text
