"""Lists by score and trend, and their explanations."""

from math import log2
from typing import Any

import pytest

from tests.support.ranking import Counted, Site, ago


async def items(site: Site, **parameters: str | int) -> dict[str, dict[str, Any]]:
    listed = (await site.most_read(**parameters))["items"]
    return {item["article_id"]: item for item in listed}


async def test_half_life_halves_score_of_old_events(site: Site, counted: Counted) -> None:
    # It is 14:03; the list ends at 14:04.
    counted.event("now", ago(minutes=1), views=10)  # this hour has not ended
    counted.event("an hour ago", ago(hours=1), views=10)  # 13:03, in the hour that ended at 14:00
    counted.event("four", ago(hours=4), views=10, likes=-1)  # its hour ended 184 minutes ago
    counted.write()
    assert [item["score"] for item in (await items(site, by="score")).values()] == [10, 10, 7]
    decayed = await items(site, by="score", half_life="3h", explain=1)
    assert list(decayed) == ["now", "an hour ago", "four"]
    assert decayed["now"]["score"] == 10
    assert decayed["an hour ago"]["score"] == pytest.approx(10 * 2 ** (-4 / 180), abs=1e-5)
    assert decayed["four"]["score"] == pytest.approx(7 * 2 ** (-184 / 180), abs=1e-5)
    parts = decayed["four"]["explain"]
    assert parts["half_life_hours"] == 3
    assert parts["likes"]["weight"] == 3
    assert parts["likes"]["decayed"] == pytest.approx(-(2 ** (-184 / 180)), abs=1e-6)
    assert sum(parts[name]["points"] for name in ("views", "comments", "likes")) == pytest.approx(
        decayed["four"]["score"]
    )
    assert decayed["four"]["window"] == {"views": 10, "comments": 0, "likes": -1}


async def test_short_and_long_windows_decay_equally(site: Site, counted: Counted) -> None:
    # A one-hour list adds and subtracts minutes at the edges of full hours.
    for minutes in (58, 40, 2):
        counted.event("a", ago(minutes=minutes), views=8)
    counted.write()
    hour, day = [
        (await items(site, by="score", half_life="1h", window=window))["a"]["score"]
        for window in ("1h", "24h")
    ]
    assert hour == day


async def test_trending_compares_article_with_its_last_day(site: Site, counted: Counted) -> None:
    # Views in each hour of the day before the last hour, and in the last hour.
    history = {
        "steady": (100, 100),
        "four times": (50, 200),
        "small, ten times": (3, 30),
        "falling": (500, 100),
        "two readers": (0, 2),
        "asleep until now": (0, 50),
    }
    for article_id, (before, now) in history.items():
        counted.article(article_id, published_at=ago(days=9))
        for hour in range(24):
            counted.event(article_id, ago(hours=hour, minutes=90), views=before)
        counted.event(article_id, ago(minutes=30), views=now)
    # Younger than an hour; an average view of the day went to an article with 424 views per hour.
    typical = sum(before**2 for before, _ in history.values()) / sum(b for b, _ in history.values())
    for article_id, views in {"new, not more than others": 400, "new, much more": 4000}.items():
        counted.article(article_id, published_at=ago(minutes=30))
        counted.event(article_id, ago(minutes=10), views=views)
    # Without metadata, its first view is its start, an hour and a half ago.
    counted.event("undescribed", ago(minutes=90), views=10)
    counted.event("undescribed", ago(minutes=5), views=90)
    counted.write()

    listed = await items(site, by="trending", explain=1, window="7d")
    assert list(listed) == [
        "asleep until now",
        "new, much more",
        "undescribed",
        "small, ten times",
        "four times",
    ]
    expected = {"asleep until now": 0, "small, ten times": 3, "four times": 50}
    for article_id, by_its_day in expected.items():
        assert listed[article_id]["explain"]["expected"] == pytest.approx(by_its_day)
        assert listed[article_id]["explain"]["hours_before"] == 24
    assert listed["new, much more"]["explain"]["expected"] == pytest.approx(typical, rel=0.01)
    for item in listed.values():
        seen, own = item["explain"]["seen"] + 0.5, item["explain"]["expected"] + 0.5
        assert item["score"] == pytest.approx(log2(seen / own) - 3.3 * seen**-0.5 - 2 * seen**-1.5)
        assert item["explain"]["at_least_times"] == pytest.approx(2 ** item["score"])
        assert item["explain"]["seen"] == item["window"]["views"]


async def test_trending_on_new_site_is_by_views(site: Site, counted: Counted) -> None:
    for article_id, views in {"a": 20, "b": 300, "c": 1}.items():
        counted.event(article_id, ago(minutes=10), views=views)
    counted.write()
    answer = await site.most_read(by="trending")
    assert [item["article_id"] for item in answer["items"]] == ["b", "a"]
    assert answer["window"]["name"] == "1h"


async def test_lifetime_score_does_not_decay(site: Site, counted: Counted) -> None:
    counted.event("a", ago(days=300), views=4)
    counted.write()
    assert (await items(site, by="score", window="all", half_life="1h"))["a"]["score"] == 4
