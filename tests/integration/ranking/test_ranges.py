"""Ranges and comparisons: what is counted in them, at every edge and of every age."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.ranking import NOW, Counted, Service, Site, ago


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


async def test_range_of_dates_counts_local_days(counted: Counted, site: Site) -> None:
    for hour, article in ((18, "before"), (19, "first"), (20, "first")):
        counted.event(article, utc(2026, 10, 31, hour, 59), views=1)
    counted.event("last", utc(2026, 11, 7, 18, 59), views=3)
    counted.event("after", utc(2026, 11, 7, 19), views=1)
    counted.write()
    body = await site.most_read(**{"from": "2026-11-01"}, to="2026-11-07", tz="Asia/Almaty")
    assert body["window"] == {
        "name": "range",
        "start": "2026-10-31T19:00:00.000Z",
        "end": "2026-11-07T19:00:00.000Z",
    }
    assert {item["article_id"]: item["window"]["views"] for item in body["items"]} == {
        "first": 2,
        "last": 3,
    }


async def test_range_of_minutes_counts_exactly_these(counted: Counted, site: Site) -> None:
    for minute in range(10, 20):
        counted.event(f"{minute}", utc(2026, 11, 20, 5, minute), views=1)
    counted.write()
    views = await site.views(**{"from": "2026-11-20T05:12:00Z"}, to="2026-11-20T05:15:00Z")
    assert views == {"12": 1, "13": 1, "14": 1}


@pytest.mark.parametrize("days", [1, 34, 36, 399])
async def test_range_until_now_counts_from_its_start_whatever_its_age(
    counted: Counted, site: Site, days: int
) -> None:
    start = (NOW - timedelta(days=days)).replace(minute=0, second=0)
    counted.event("in", start, views=1)
    counted.event("out", start - timedelta(minutes=1), views=1)
    for hours in range(0, days * 24, 7):
        counted.event("in", ago(hours=hours), views=2, comments=1)
    counted.write()
    expected = 1 + 2 * len(range(0, days * 24, 7))
    assert await site.views(**{"from": start.isoformat()}) == {"in": expected}


async def test_totals_lists_and_days_of_a_year_are_sums_of_events(
    counted: Counted, site: Site
) -> None:
    chance = random.Random(16)
    events: list[tuple[datetime, str, int]] = []
    for _ in range(600):
        at = ago(minutes=chance.randrange(398 * 24 * 60))
        events.append((at, chance.choice("abc"), chance.randrange(1, 9)))
        counted.event(events[-1][1], at, views=events[-1][2])
    counted.write()
    for days in (398, 250, 61, 30, 2):
        start, end = (
            (NOW - timedelta(days=each)).replace(hour=0, minute=0, second=0)
            for each in (days, days // 3)
        )
        parameters = {"from": start.isoformat(), "to": end.isoformat()}
        expected: Counter[str] = Counter()
        by_day: Counter[str] = Counter()
        for at, article, views in events:
            if start <= at < end:
                expected[article] += views
                by_day[f"{at:%Y-%m-%d}"] += views
        assert await site.views(**parameters) == expected
        response = await site.service.get("/v1/totals", params={"site": site.name, **parameters})
        assert (await response.json())["views"] == expected.total()
        response = await site.service.get(
            "/v1/series", params={"site": site.name, "grain": "day", "tz": "UTC", **parameters}
        )
        steps = (await response.json())["steps"]
        assert {step["start"][:10]: step["views"] for step in steps if step["views"]} == by_day


async def test_old_edge_is_moved_to_its_hour(counted: Counted, site: Site) -> None:
    counted.event("early", utc(2026, 1, 5, 5, 3), views=1)
    counted.write()
    body = await site.most_read(**{"from": "2026-01-05T05:17:00Z"}, to="2026-01-05T09:00:00Z")
    assert body["window"]["start"] == "2026-01-05T05:00:00.000Z"
    assert [item["article_id"] for item in body["items"]] == ["early"]


async def test_range_within_old_hour_is_that_hour(counted: Counted, site: Site) -> None:
    counted.event("a", utc(2026, 1, 5, 5, 3), views=2)
    counted.event("b", utc(2026, 1, 5, 6), views=1)
    counted.write()
    old = {"from": "2026-01-05T05:17:00Z", "to": "2026-01-05T05:27:00Z"}
    body = await site.most_read(**old, compare="day")
    assert body["window"]["start"] == "2026-01-05T05:00:00.000Z"
    assert body["window"]["end"] == "2026-01-05T06:00:00.000Z"
    assert {item["article_id"]: item["window"]["views"] for item in body["items"]} == {"a": 2}
    totals = await site.service.get("/v1/totals", params={"site": site.name, **old})
    assert (await totals.json())["views"] == 2


async def test_part_of_old_hour_is_compared_in_proportion(counted: Counted, site: Site) -> None:
    counted.event("a", ago(minutes=1), views=90)
    year_ago = utc(2025, 11, 24)
    for hour in range(16):
        counted.event("a", year_ago + timedelta(hours=hour, minutes=30), views=60, likes=-30)
    counted.write()
    # 14 hours and 4 minutes of the day have passed.
    body = await site.most_read(window="today", compare="year")
    assert body["compare"]["end"] == "2025-11-24T14:04:00.000Z"
    expected = {"views": 14 * 60 + 4, "comments": 0, "likes": -14 * 30 - 2}
    assert body["items"][0]["compared"] == expected
    totals = await site.service.get(
        "/v1/totals", params={"site": site.name, "window": "today", "compare": "year"}
    )
    compared = (await totals.json())["compared"]
    assert {name: compared[name] for name in expected} == expected


async def test_first_minutes_of_day_are_compared_with_year_ago(
    counted: Counted, site: Site
) -> None:
    counted.event("a", ago(minutes=1), views=1)
    counted.event("a", utc(2025, 11, 24, 14, 30), views=30)
    counted.write()
    # 14:03 in UTC.
    body = await site.most_read(window="today", compare="year", tz="Etc/GMT-10")
    assert body["window"]["start"] == "2026-11-23T14:00:00.000Z"
    assert body["items"][0]["compared"]["views"] == 2


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("from=2025-10-01", "from"),
        ("from=2026-11-24", "from"),
    ],
)
async def test_range_that_is_not_stored_is_rejected(
    service: Service, query: str, parameter: str
) -> None:
    response = await service.get(f"/v1/most-read?{query}")
    assert response.status == 400
    assert (await response.json())["parameter"] == parameter
    page = await service.get(f"/?{query}")
    assert page.status == 400


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("from=2026-01-01&compare=year", "expired"),
        ("window=last_month&compare=year", "expired"),
        ("window=month&compare=year", None),
        ("window=all&compare=week", "lifetime"),
        ("window=all", None),
    ],
)
async def test_missing_comparison_has_reason(
    service: Service, query: str, reason: str | None
) -> None:
    for path in ("/v1/most-read", "/v1/totals"):
        body = await (await service.get(f"{path}?{query}")).json()
        compared = body["compare" if path == "/v1/most-read" else "compared"]
        assert (compared is None) == (query != "window=month&compare=year")
        assert body["not_compared"] == reason
    page = await service.get(f"/?{query}")
    assert page.status == 200
    assert ("nothing to compare with" in await page.text()) == (reason == "expired")


async def test_items_have_counts_of_same_time_yesterday(counted: Counted, site: Site) -> None:
    counted.event("a", ago(minutes=3), views=5, likes=1)
    counted.event("a", ago(days=1), views=2, comments=3)
    counted.event("a", ago(days=1, minutes=-1), views=50)  # later in the day than now
    counted.event("b", ago(hours=2), views=1)
    counted.event("gone", ago(days=1), views=9)
    counted.write()
    body = await site.most_read(window="today", compare="day")
    assert body["compare"] == {
        "name": "day",
        "start": "2026-11-22T00:00:00.000Z",
        "end": "2026-11-22T14:04:00.000Z",
    }
    assert {item["article_id"]: item["compared"] for item in body["items"]} == {
        "a": {"views": 2, "comments": 3, "likes": 0},
        "b": {"views": 0, "comments": 0, "likes": 0},
    }


async def test_list_without_comparison_has_none(counted: Counted, site: Site) -> None:
    counted.event("a", ago(minutes=3), views=1)
    counted.write()
    for parameters in ({}, {"compare": "none"}):
        body = await site.most_read(**parameters)
        assert (body["compare"], body["items"][0]["compared"]) == (None, None)


async def test_page_of_cursor_is_compared(counted: Counted, site: Site) -> None:
    for n in range(3):
        counted.event(f"{n}", ago(minutes=3), views=9 - n)
        counted.event(f"{n}", ago(days=7), views=n + 1)
    counted.write()
    parameters: dict[str, Any] = {"compare": "week", "limit": 2}
    first = await site.most_read(**parameters, cursor="*")
    last = await site.most_read(**parameters, cursor=first["next_cursor"])
    compared = [item["compared"]["views"] for page in (first, last) for item in page["items"]]
    assert compared == [1, 2, 3]


async def test_totals_of_range_are_compared(counted: Counted, site: Site) -> None:
    counted.event("a", utc(2026, 11, 3, 4), views=5)
    counted.event("b", utc(2026, 11, 7, 23, 59), views=1)
    counted.event("b", utc(2026, 10, 31, 23), views=4)
    counted.event("c", utc(2026, 10, 25), likes=2)
    counted.write()
    parameters = {"site": site.name, "from": "2026-11-01", "to": "2026-11-07"}
    response = await site.service.get("/v1/totals", params={**parameters, "compare": "previous"})
    body = await response.json()
    assert (body["views"], body["likes"]) == (6, 0)
    window = {"start": "2026-10-25T00:00:00.000Z", "end": "2026-11-01T00:00:00.000Z"}
    assert body["compared"] == {
        "window": {"name": "previous", **window},
        "views": 4,
        "comments": 0,
        "likes": 2,
    }


async def test_previous_rank_of_last_week_is_that_of_week_before(
    counted: Counted, site: Site
) -> None:
    for article, views, views_before in (("a", 3, 1), ("b", 2, 2), ("new", 1, 0)):
        counted.event(article, utc(2026, 11, 18), views=views)
        if views_before:
            counted.event(article, utc(2026, 11, 10), views=views_before)
    counted.write()
    items = (await site.most_read(window="last_week"))["items"]
    assert {item["article_id"]: item["previous_rank"] for item in items} == {
        "a": 2,
        "b": 1,
        "new": None,
    }


async def test_range_that_is_over_has_no_previous_ranks(counted: Counted, site: Site) -> None:
    counted.event("a", utc(2026, 11, 18), views=1)
    counted.write()
    body = await site.most_read(**{"from": "2026-11-18"}, to="2026-11-18")
    assert body["items"][0]["previous_rank"] is None


async def test_etag_of_range_until_now_is_that_of_its_content(counted: Counted, site: Site) -> None:
    counted.event("a", utc(2026, 11, 18), views=1)
    counted.write()
    parameters = {"site": site.name, "from": "2026-11-18"}
    first = await site.service.get("/v1/most-read", params=parameters)
    again = await site.service.get(
        "/v1/most-read", params=parameters, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status == 304
    other = await site.service.get("/v1/most-read", params={**parameters, "from": "2026-11-17"})
    assert other.headers["ETag"] != first.headers["ETag"]
