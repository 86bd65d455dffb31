"""Time series of an article."""

from datetime import timedelta

import pytest

from tests.support.ranking import FIRST, SECOND, Counted, Service, ago


async def test_series_has_zeros_for_minutes_without_views(
    service: Service, counted: Counted
) -> None:
    counted.event("news/1", ago(minutes=5), views=3, likes=1)
    counted.event("news/1", ago(minutes=5), views=4, topic=SECOND, partition=3)
    counted.event("news/1", ago(minutes=2), comments=2)
    counted.event("news/1", ago(minutes=9), views=99)
    counted.event("other", ago(minutes=4), views=99)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    answer = await service.get(
        f"/v1/articles/news%2F1/series?site={counted.site}&grain=minute"
        "&from=2026-11-23T15:58:30%2B02:00&to=2026-11-23T14:02:30Z"
    )
    assert await answer.json() == {
        "site": counted.site,
        "article_id": "news/1",
        "grain": "minute",
        "from": "2026-11-23T13:58:00.000Z",
        "to": "2026-11-23T14:03:00.000Z",
        "as_of": "2026-11-23T14:03:03.000Z",
        "stale": False,
        "views": [7, 0, 0, 0, 0],
        "comments": [0, 0, 0, 2, 0],
        "likes": [1, 0, 0, 0, 0],
        "complete": [True] * 5,
    }
    assert answer.headers["ETag"]


async def test_series_defaults_to_hours_of_a_week(service: Service, counted: Counted) -> None:
    counted.event("a", ago(hours=167), views=1)
    counted.event("a", ago(minutes=1), views=2)
    counted.write()
    answer = await (await service.get(f"/v1/articles/a/series?site={counted.site}")).json()
    assert (answer["grain"], answer["from"]) == ("hour", "2026-11-16T15:00:00.000Z")
    assert len(answer["views"]) == 7 * 24
    assert (answer["views"][0], answer["views"][-1], sum(answer["views"])) == (1, 2, 3)


async def test_series_marks_steps_that_are_not_complete(service: Service, counted: Counted) -> None:
    counted.event("a", ago(minutes=1), views=2)
    counted.write()
    path = f"/v1/articles/a/series?site={counted.site}&grain=minute&from=2026-11-23T14:00:00Z"
    assert (await (await service.get(path)).json())["complete"] == [False] * 4
    counted.progress(ago(seconds=65), 0, 1, FIRST)  # counted up to 14:02:00
    path += "&to=2026-11-23T14:03:00Z"
    assert (await (await service.get(path)).json())["complete"] == [True, True, False]


async def test_series_of_unknown_article_returns_404(service: Service, counted: Counted) -> None:
    answer = await service.get(f"/v1/articles/nobody/series?site={counted.site}")
    assert answer.status == 404


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("grain=day", "grain"),
        ("from=yesterday", "from"),
        ("from=2026-11-23", "from"),
        ("from=2026-02-30T00:00:00Z", "from"),
        ("from=2026-11-23T14:00:00Z&to=2026-11-23T14:00:00Z", "from"),
        ("from=2027-01-01T00:00:00Z", "from"),
        # Longer than a response may be, and before the retention: neither yields zeros.
        ("grain=minute&from=2026-11-20T14:00:00Z", "from"),
        ("grain=minute&from=2026-10-01T00:00:00Z&to=2026-10-01T01:00:00Z", "from"),
        ("from=2025-01-01T00:00:00Z&to=2025-01-02T00:00:00Z", "from"),
        ("limit=3", "limit"),
    ],
)
async def test_series_rejects_invalid_parameters(
    service: Service, query: str, parameter: str
) -> None:
    answer = await service.get(f"/v1/articles/a/series?{query}")
    assert answer.status == 400
    assert (await answer.json())["parameter"] == parameter


async def test_series_ends_now_for_client_with_fast_clock(
    service: Service, counted: Counted
) -> None:
    counted.event("a", ago(minutes=1), views=2)
    counted.write()
    ahead = (ago() + timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"/v1/articles/a/series?site={counted.site}&grain=minute&to={ahead}"
    answer = await (await service.get(path)).json()
    assert answer["to"] == "2026-11-23T14:04:00.000Z"
    assert answer["views"][-2:] == [2, 0]
