"""Trending lists: what an editor would call unusual, in the order of how unusual it is."""

from datetime import timedelta
from math import log, sqrt
from typing import Any, NamedTuple

import pytest

from tests.support.ranking import Counted, Service, Site, ago


class Story(NamedTuple):
    """Views of each hour of the day before the last hour, latest first, and of the last hour."""

    day_before: list[int]
    last_hour: int
    age: timedelta | None = timedelta(days=30)


# The site has 150 more articles with about 60 views per hour.
TRENDING = {
    "breaking: 500 in ten minutes": Story([], 500, timedelta(minutes=10)),
    "asleep until a portal links to it": Story([0] * 24, 200),
    "first hour far above a typical article's": Story([], 600, timedelta(hours=1)),
    "doubles every hour since it came out": Story([400, 200, 100], 1200, timedelta(hours=4)),
    "published at night, shared in the morning": Story([0] * 6, 150, timedelta(hours=6)),
    "four times its usual": Story([50] * 24, 200),
    "small, ten times its usual": Story([3] * 24, 30),
    "popular, twice its usual": Story([2000] * 24, 4400),
    "without a date, read for an hour": Story([30], 350, None),
}
NOT_TRENDING = {
    "recipe of last month with nine": Story([0] * 24, 9),
    "popular, at its usual": Story([4000] * 24, 4000),
    "popular, a third above its usual": Story([900] * 24, 1200),
    "yesterday's story, fading": Story([200] * 6 + [3000] * 12 + [0] * 6, 180),
    "typical": Story([60] * 24, 60),
    "new, like others": Story([], 12, timedelta(minutes=10)),
    "new, a first view": Story([], 1, timedelta(minutes=1)),
    "new, three views in a minute": Story([], 3, timedelta(minutes=1)),
    "without a date, like others": Story([], 70, None),
    "two readers": Story([0] * 24, 2),
    "nobody now": Story([5] * 24, 0),
}


def count(counted: Counted, stories: dict[str, Story]) -> None:
    for article_id, (day_before, last_hour, age) in stories.items():
        if age is not None:
            counted.article(article_id, published_at=ago() - age)
        for n, views in enumerate(day_before):
            counted.event(article_id, ago(minutes=90 + 60 * n), views=views)
        counted.event(article_id, ago(seconds=5), views=last_hour)


async def items(site: Site, **parameters: str | int) -> dict[str, dict[str, Any]]:
    listed = (await site.most_read(by="trending", limit=100, **parameters))["items"]
    return {item["article_id"]: item for item in listed}


async def test_trending_list_is_what_editor_would_call_unusual(
    site: Site, counted: Counted
) -> None:
    count(counted, TRENDING | NOT_TRENDING)
    count(counted, {f"typical {n}": Story([60] * 24, 55 + n % 11) for n in range(150)})
    counted.write()
    listed = await items(site, explain=1, window="7d")
    assert sorted(listed) == sorted(TRENDING)

    surprise = {article_id: item["trend"]["surprise"] for article_id, item in listed.items()}
    assert list(surprise.values()) == sorted(surprise.values(), reverse=True)
    first = surprise["breaking: 500 in ten minutes"]
    assert next(iter(surprise)) == "breaking: 500 in ten minutes"
    assert surprise["four times its usual"] > surprise["popular, twice its usual"]
    assert first > 2 * surprise["small, ten times its usual"]

    assert listed["four times its usual"]["trend"]["ratio"] == pytest.approx(4, rel=0.05)
    assert listed["popular, twice its usual"]["trend"]["ratio"] == pytest.approx(2.2, rel=0.05)
    assert listed["breaking: 500 in ten minutes"]["trend"]["expected"] == pytest.approx(10, rel=0.1)


async def test_trend_follows_from_its_explanation(site: Site, counted: Counted) -> None:
    count(counted, TRENDING)
    count(counted, {f"typical {n}": Story([60] * 24, 60) for n in range(150)})
    counted.write()
    for item in (await items(site, explain=1)).values():
        parts, trend = item["explain"], item["trend"]
        assert parts["typical"] == 60
        known = parts["typical"] + parts["day_before"]
        expected = parts["exposure"] * known / (1 + parts["exposure_before"])
        assert trend["expected"] == pytest.approx(max(expected, 1, 6))
        assert trend["observed"] == item["window"]["views"]
        assert trend["ratio"] == pytest.approx(trend["observed"] / trend["expected"])
        n, mean, k = trend["observed"], trend["expected"], 1 / (1 / 9 + 1 / known)
        deviance = 2 * (n * log(n / mean) - (n + k) * log((n + k) / (mean + k)))
        assert trend["surprise"] == pytest.approx(sqrt(deviance))
        assert item["score"] == trend["surprise"]


async def test_trending_knows_that_mornings_are_busy(site: Site, counted: Counted) -> None:
    # For a week nobody has read at night, and many between 13:00 and 15:00.
    for day in range(8):
        for hour, views in {0: 300, 1: 300, 2: 20, 12: 0, 20: 40}.items():
            for article_id in ("usual", "unusual"):
                now = 1200 if day == 0 and hour == 0 and article_id == "unusual" else views
                counted.event(article_id, ago(days=day, hours=hour, seconds=5), views=now)
    counted.write()
    listed = await items(site)
    # Were all hours alike, 660 views of the day before would predict 28.
    assert list(listed) == ["unusual"]
    assert listed["unusual"]["trend"]["ratio"] == pytest.approx(4, rel=0.2)


async def test_trending_on_new_site_is_by_views(site: Site, counted: Counted) -> None:
    # Nothing was counted before the last hour, not even the views of an old article.
    counted.article("a", published_at=ago(days=9))
    for article_id, views in {"a": 20, "b": 300, "c": 1}.items():
        counted.event(article_id, ago(minutes=3), views=views)
    counted.write()
    answer = await site.most_read(by="trending")
    assert [item["article_id"] for item in answer["items"]] == ["b", "a"]
    assert answer["window"]["name"] == "1h"


async def test_trending_on_first_day_does_not_hold_empty_hours_against_articles(
    site: Site, counted: Counted
) -> None:
    # Counting began five hours ago.
    for n in range(20):
        counted.article(f"old {n}", published_at=ago(days=9))
        for hour in range(5):
            counted.event(f"old {n}", ago(hours=hour, seconds=5), views=40)
    counted.write()
    assert await items(site) == {}


async def test_one_article_that_everybody_reads_does_not_hide_others(
    site: Site, counted: Counted
) -> None:
    count(counted, {"viral": Story([50_000] * 24, 50_000)})
    count(counted, {f"typical {n}": Story([60] * 24, 60) for n in range(30)})
    count(counted, {"breaking": Story([], 500, timedelta(minutes=10))})
    counted.write()
    assert list(await items(site)) == ["breaking"]


async def test_lists_in_other_orders_have_no_trend(site: Site, counted: Counted) -> None:
    counted.event("a", ago(minutes=10), views=20)
    counted.write()
    [item] = (await site.most_read())["items"]
    assert "trend" not in item


async def test_page_shows_how_many_times_the_usual(
    site: Site, service: Service, counted: Counted
) -> None:
    count(counted, {"rising": Story([50] * 24, 200)})
    count(counted, {f"typical {n}": Story([60] * 24, 60) for n in range(30)})
    counted.write()
    pages = {}
    for lang in ("en", "ru"):
        answer = await service.get(f"/?site={site.name}&by=trending&lang={lang}")
        pages[lang] = await answer.text()
    assert '<span aria-hidden="true">×4.0</span>' in pages["en"]
    assert "4.0 times what is usual" in pages["en"]
    assert '<span class="trend">200 views, usually 50</span>' in pages["en"]
    assert '<span aria-hidden="true">×4,0</span>' in pages["ru"]
    assert '<span class="trend">просмотры: 200, обычно 50</span>' in pages["ru"]
