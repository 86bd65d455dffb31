"""The controls of the list page: chips, totals, and the choices that a browser remembers."""

import re

import pytest

from tests.support.ranking import FIRST, Counted, Service, ago


async def page(service: Service, query: str, cookie: str = "") -> str:
    answer = await service.get(f"/?{query}", headers={"Cookie": cookie} if cookie else {})
    assert answer.status == 200
    return await answer.text()


def words(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


async def test_list_page_shows_everything_that_limits_it_as_removable_chip(
    service: Service, counted: Counted
) -> None:
    query = "section=City&language=ru&published_within=36h&quarantined=1&limit=3&q=lamp"
    text = await page(service, f"site={counted.site}&{query}")
    removable = re.findall(r'href="\?([^"]+)" aria-label="Remove: ([^"]+)"', text)
    names = {label: address for address, label in removable}
    assert set(names) == {"City", "ru", "up to 36 h", "with quarantined", "first 3", "lamp"}
    limiting = {"section", "language", "published_within", "quarantined", "limit", "q"}
    for label, left_out in zip(
        ("City", "ru", "up to 36 h", "with quarantined", "first 3", "lamp"),
        query.split("&"),
        strict=True,
    ):
        name = left_out.partition("=")[0]
        left = set(re.findall(r"(?:^|;)([a-z_]+)=", names[label])) - {"site"}
        assert left == limiting - {name}


async def test_list_page_shows_zone_and_half_life_that_shape_it(
    service: Service, counted: Counted
) -> None:
    text = await page(service, f"site={counted.site}&by=score&half_life=5h&tz=Asia/Almaty")
    assert "Half-life: 5 h" in words(text)
    assert '<bdi class="value">Almaty</bdi>' in text
    assert "Half-life" not in words(await page(service, f"site={counted.site}"))


async def test_list_page_offers_to_add_a_second_section(service: Service, counted: Counted) -> None:
    for article_id, section in (("1", "City"), ("2", "Sport")):
        counted.article(article_id, section=section)
    text = await page(service, f"site={counted.site}&section=City")
    added = f'href="?site={counted.site}&amp;section=City&amp;section=Sport" aria-label="Add Sport"'
    assert added in text


async def test_list_page_shows_views_now_and_in_window_beside_earlier_days(
    service: Service, counted: Counted
) -> None:
    for section, article_id in (("City", "1"), ("Sport", "2")):
        counted.article(article_id, section=section)
    counted.event("1", ago(minutes=3), views=30, comments=2)
    counted.event("2", ago(minutes=3), views=12)
    counted.event("1", ago(days=1, minutes=3), views=20)
    counted.event("1", ago(days=7, minutes=3), views=40)
    counted.event("1", ago(hours=5), views=1000, likes=1)
    counted.write()
    counted.progress(ago(seconds=1), 0, 1, FIRST)
    text = await page(service, f"site={counted.site}&section=City")
    [strip] = re.findall('<section class="now".*?</section>', text, re.DOTALL)
    assert words(strip).startswith(
        "30 views in the last 5 minutes +50% yesterday (20 yesterday) "
        "\u221225% a week ago (40 a week ago) 1,030 views in 24 hours"
    )
    assert "22 November, 14:04 – 23 November, 14:04 2 comments · 1 like" in words(strip)
    lines = dict(re.findall('<polyline class="([a-z_]+)" points="([^"]+)"', strip))
    assert [len(lines[name].split()) for name in ("today", "yesterday", "week_ago")] == [18, 24, 24]
    # The hour in progress is not drawn, so that nothing falls at its end.
    assert lines["today"].split()[13] == "135,2.0"


async def test_list_page_has_theme_and_density_of_cookie(service: Service) -> None:
    text = await page(service, "", "a=b; mostread_view=theme=dark&density=roomy&scale=shared; c=d")
    assert 'data-theme="dark" data-density="roomy" data-scale="shared"' in text
    assert '<meta name="color-scheme" content="dark">' in text
    assert 'value="dark" aria-pressed="true"' in text


@pytest.mark.parametrize("cookie", ["", "theme=%22%3E", "theme", "density=tiny&other=1"])
async def test_list_page_ignores_unknown_choices_of_cookie(service: Service, cookie: str) -> None:
    text = await page(service, "", f"mostread_view={cookie}")
    assert 'data-theme="auto" data-density="compact" data-scale="own"' in text


async def test_list_page_compares_with_the_day_before_by_default(
    service: Service, counted: Counted
) -> None:
    for hours, views in ((1, 150), (25, 100), (24 * 7 + 1, 300)):
        counted.event("1", ago(hours=hours), views=views)
    counted.write()
    here = f"site={counted.site}"
    for query, cookie, against in (
        (here, "", ["+50%"]),
        (here, "mostread_view=compare=week", ["\u221250%"]),
        (f"{here}&compare=day", "mostread_view=compare=week", ["+50%"]),
        (here, "mostread_view=compare=none", []),
        # The same time yesterday says little about a week that contains it.
        (f"{here}&window=7d", "mostread_view=compare=day", ["\u221217%"]),
        (f"{here}&window=all", "mostread_view=compare=day", []),
        (f"{here}&by=trending", "mostread_view=compare=day", []),
        # The stored hours do not reach so far back.
        (f"{here}&from=2025-11-24&to=2026-11-22", "", []),
    ):
        text = await page(service, query, cookie)
        changes = re.findall('<p class="against [a-z]+"><strong>([^<]+)</strong>', text)
        assert (query, cookie, changes) == (query, cookie, against)


async def test_list_page_keeps_its_comparison_in_its_stream(
    service: Service, counted: Counted
) -> None:
    for cookie, compare in (("week", "week"), ("none", "none"), ("", "day")):
        text = await page(service, f"site={counted.site}", f"mostread_view=compare={cookie}")
        live = f'data-page="site={counted.site}&amp;lang=en&amp;compare={compare}"'
        assert live in text


async def test_list_page_shows_dates_of_range_and_leaves_it_with_another_window(
    service: Service, counted: Counted
) -> None:
    text = await page(service, f"site={counted.site}&from=2026-11-20&to=2026-11-21")
    assert "20 November – 21 November" in words(text)
    assert '<input type="date" name="from" required value="2026-11-20">' in text
    assert f'<a href="?site={counted.site}&amp;window=7d">7 days</a>' in text


async def test_list_page_of_trends_marks_no_window_as_chosen(
    service: Service, counted: Counted
) -> None:
    text = await page(service, f"site={counted.site}&by=trending")
    assert 'aria-current="page"' not in text
    assert f'<a href="?site={counted.site}&amp;window=1h">1 hour</a>' in text
