"""Sums over the articles of a site: totals and time series."""

from typing import Any

import pytest

from tests.support.ranking import FIRST, SECOND, Counted, Service, ago


async def get(service: Service, counted: Counted, path: str) -> dict[str, Any]:
    answer = await service.get(f"{path}{'&' if '?' in path else '?'}site={counted.site}")
    assert answer.status == 200, await answer.text()
    body: dict[str, Any] = await answer.json()
    return body


async def test_totals_sum_articles_in_window(service: Service, counted: Counted) -> None:
    counted.event("a", ago(minutes=30), views=3, likes=1)
    counted.event("a", ago(minutes=30), views=4, topic=SECOND, partition=3)
    counted.event("b", ago(hours=20), views=5, comments=2)
    counted.event("b", ago(hours=30), views=100)
    counted.event("b", None, views=1000)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    day = await get(service, counted, "/v1/totals")
    assert day["window"]["name"] == "24h"
    assert (day["views"], day["comments"], day["likes"]) == (12, 2, 1)
    assert (day["as_of"], day["stale"]) == ("2026-11-23T14:03:03.000Z", False)
    assert (await get(service, counted, "/v1/totals?window=1h"))["views"] == 7
    assert (await get(service, counted, "/v1/totals?window=yesterday"))["views"] == 105
    assert (await get(service, counted, "/v1/totals?window=all"))["views"] == 1112


async def test_totals_count_last_whole_minutes_and_those_of_other_days(
    service: Service, counted: Counted
) -> None:
    # Counted up to 14:03:03: the last whole minutes are 13:58 to 14:02.
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    for day, views in {0: 1, 1: 10, 7: 100}.items():
        for minute in range(8):
            counted.event("a", ago(days=day, minutes=minute), views=views)
    counted.write()
    now = (await get(service, counted, "/v1/totals"))["now"]
    assert now == {"minutes": 5, "views": 5, "day_before": 50, "week_before": 500}


async def test_totals_end_where_counting_is_behind(service: Service, counted: Counted) -> None:
    counted.progress(ago(minutes=10), 0, 1, FIRST)  # counted up to 13:53:05
    for minute in range(20):
        counted.event("a", ago(minutes=minute), views=2**minute)
    counted.write()
    totals = await get(service, counted, "/v1/totals")
    assert totals["stale"]
    assert totals["now"]["views"] == sum(2**minute for minute in range(11, 16))


@pytest.mark.parametrize(
    ("filters", "views"),
    [
        ("section=City", 1 + 4),
        ("section=City&section=Sport", 1 + 2 + 4),
        ("language=kk", 2 + 4),
        ("author=Dana", 1 + 2),
        ("author=dana", 0),
        ("author=Dana&author=O'Neil", 1 + 2 + 4),
        ("tag=metro", 1 + 4),
        ("tag=metro&author=Dana", 1),
        ("tag=metro&language=ru", 1),
    ],
)
async def test_totals_series_and_list_filter_alike(
    service: Service, counted: Counted, filters: str, views: int
) -> None:
    counted.article("a", section="City", language="ru", authors=["Dana", "Aru"], tags=["metro"])
    counted.article("b", section="Sport", language="kk-Cyrl", authors=["Dana"])
    counted.article("c", section="City", language="KK", authors=["O'Neil"], tags=["x", "metro"])
    counted.article("gone", section="City", language="kk", authors=["Dana"], deleted=True)
    for article_id, times in {"a": 1, "b": 2, "c": 4, "gone": 8, "undescribed": 16}.items():
        counted.event(article_id, ago(minutes=10), views=times)
    counted.write()
    assert (await get(service, counted, f"/v1/totals?{filters}"))["views"] == views
    series = await get(service, counted, f"/v1/series?{filters}")
    assert series["steps"][-2]["views"] == views
    items = (await get(service, counted, f"/v1/most-read?{filters}"))["items"]
    assert sum(item["window"]["views"] for item in items) == views


async def test_series_of_site_marks_steps_that_are_not_complete(
    service: Service, counted: Counted
) -> None:
    counted.event("a", ago(minutes=3), views=3, likes=1)  # 14:00
    counted.event("b", ago(minutes=3), views=4)
    counted.event("b", ago(minutes=1), comments=2)
    counted.event("b", ago(minutes=9), views=99)
    counted.write()
    counted.progress(ago(seconds=64), 0, 1, FIRST)  # counted up to 14:02:01
    series = await get(service, counted, "/v1/series?grain=minute&from=2026-11-23T16:00:30%2B02:00")
    assert series == {
        "site": counted.site,
        "grain": "minute",
        "from": "2026-11-23T14:00:00.000Z",
        "to": "2026-11-23T14:04:00.000Z",
        "as_of": "2026-11-23T14:02:01.000Z",
        "stale": series["stale"],
        "steps": [
            {
                "start": f"2026-11-23T14:0{minute}:00.000Z",
                "views": 7 if minute == 0 else 0,
                "comments": 2 if minute == 2 else 0,
                "likes": 1 if minute == 0 else 0,
                "complete": minute < 2,
            }
            for minute in range(4)
        ],
    }


async def test_series_of_site_has_local_days(service: Service, counted: Counted) -> None:
    # 25 October 2026 has 25 hours in Berlin, from 22:00 to 23:00 UTC.
    for day, hour, views in ((24, 21, 1), (24, 22, 2), (25, 22, 4), (25, 23, 8), (26, 12, 16)):
        when = ago().replace(month=10, day=day, hour=hour, minute=30)
        counted.event("a", when, views=views)
    counted.write()
    series = await get(
        service,
        counted,
        "/v1/series?grain=day&tz=Europe/Berlin&from=2026-10-24&to=2026-10-26",
    )
    assert [(step["start"], step["views"]) for step in series["steps"]] == [
        ("2026-10-23T22:00:00.000Z", 1),
        ("2026-10-24T22:00:00.000Z", 6),
        ("2026-10-25T23:00:00.000Z", 24),
    ]


async def test_series_of_site_has_days_whose_minutes_are_not_stored(
    service: Service, counted: Counted
) -> None:
    # A day in India starts at 18:30 UTC, of which only the hour is stored after 35 days.
    counted.event("a", ago().replace(month=8, day=31, hour=18, minute=45), views=1)
    counted.event("a", ago().replace(month=9, day=1, hour=17, minute=59), views=2)
    counted.write()
    counted.client.command(
        "ALTER TABLE counter_versions DELETE WHERE grain = 'minute' AND site = "
        f"'{counted.site}' SETTINGS mutations_sync = 1"
    )
    path = "/v1/series?grain=day&tz=Asia/Kolkata&from=2026-09-01&to=2026-09-02"
    steps = (await get(service, counted, path))["steps"]
    assert [(step["start"], step["views"]) for step in steps] == [
        ("2026-08-31T18:30:00.000Z", 3),
        ("2026-09-01T18:30:00.000Z", 0),
    ]


async def test_series_of_site_has_defaults(service: Service, counted: Counted) -> None:
    counted.event("a", ago(hours=167), views=1)
    counted.event("a", ago(minutes=1), views=2)
    counted.write()
    views = {}
    for grain in ("minute", "hour", "day"):
        steps = (await get(service, counted, f"/v1/series?grain={grain}"))["steps"]
        views[grain] = len(steps), sum(step["views"] for step in steps)
    assert views == {"minute": (180, 2), "hour": (7 * 24, 3), "day": (30, 3)}


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("totals?window=2h", "window"),
        ("totals?limit=3", "limit"),
        ("totals?author=", "author"),
        ("series?grain=week", "grain"),
        ("series?from=2027-01-01T00:00:00Z", "from"),
        ("series?from=2026-11-23T14:00:00Z&to=2026-11-23T14:00:00Z", "from"),
        ("series?grain=minute&from=2026-11-20T14:00:00Z", "from"),
        ("series?from=2025-01-01T00:00:00Z&to=2025-01-02T00:00:00Z", "from"),
        ("series?from=2026-02-30", "from"),
        ("series?from=2026-11-23&to=2026-11-22", "from"),
        ("series?window=24h", "window"),
    ],
)
async def test_sums_reject_invalid_parameters(service: Service, path: str, parameter: str) -> None:
    answer = await service.get(f"/v1/{path}")
    assert answer.status == 400
    assert (await answer.json())["parameter"] == parameter
