"""Rank history: the rank of an article at the end of each hour."""

from datetime import timedelta
from typing import Any

from tests.support.http import every
from tests.support.ranking import FIRST, NOW, SECOND, Counted, Service, ago

HOUR = timedelta(hours=1)
LAST = NOW.replace(minute=0, second=0)


async def ranks(service: Service, counted: Counted, article_id: str) -> dict[str, Any]:
    answer = await service.get(f"/v1/articles/{article_id}/ranks?site={counted.site}")
    assert answer.status == 200, await answer.text()
    history: dict[str, Any] = await answer.json()
    assert len(history["ranks"]) == 48
    return history


async def test_ranks_are_by_views_of_preceding_day(service: Service, counted: Counted) -> None:
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    counted.article("a", published_at=ago(days=3))
    # a is viewed 30 hours before the last rank, b and c ten hours before it, d in the current hour.
    counted.event("a", LAST - 30 * HOUR, views=10)
    counted.event("b", LAST - 10 * HOUR, views=7)
    counted.event("b", LAST - 10 * HOUR, views=5, topic=SECOND, partition=3)
    counted.event("c", LAST - 10 * HOUR, views=11)
    counted.event("d", LAST + timedelta(minutes=1), views=99)
    counted.write()
    # Pins have no effect on ranks.
    counted.decision("c", pinned=1)
    history = await ranks(service, counted, "a")
    assert (history["from"], history["to"]) == (
        "2026-11-21T15:00:00.000Z",
        "2026-11-23T14:00:00.000Z",
    )
    # Its hour is complete an hour after its start, and the day ends 24 hours later.
    assert history["ranks"] == [None] * 18 + [1] * 20 + [3] * 4 + [None] * 6
    assert history["lengths"] == [0] * 18 + [1] * 20 + [3] * 4 + [0] * 6
    assert (await ranks(service, counted, "b"))["ranks"] == [None] * 38 + [1] * 10
    assert (await ranks(service, counted, "c"))["ranks"] == [None] * 38 + [2] * 10
    assert (await ranks(service, counted, "d"))["ranks"] == [None] * 48


async def test_newer_article_ranks_higher_on_ties(service: Service, counted: Counted) -> None:
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    for article_id in ("x", "a", "old", "new"):
        counted.event(article_id, ago(hours=2), views=3)
    counted.article("old", published_at=ago(days=2))
    counted.article("new", published_at=ago(days=1))
    counted.write()
    last = [(await ranks(service, counted, each))["ranks"][-1] for each in ("new", "old", "a", "x")]
    assert last == [1, 2, 3, 4]


async def test_ranks_end_with_last_counted_hour(service: Service, counted: Counted) -> None:
    counted.event("a", ago(hours=5), views=3)
    counted.write()
    counted.progress(LAST - 2 * HOUR - timedelta(seconds=1), 0, 1, FIRST)
    history = await ranks(service, counted, "a")
    assert history["to"] == "2026-11-23T11:00:00.000Z"
    assert history["stale"]
    assert history["ranks"][-3:] == [None, 1, 1]


async def test_ranks_below_first_thousand_are_null(service: Service, counted: Counted) -> None:
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    for number in range(1001):
        counted.event(str(number), ago(hours=2), views=2000 - number)
    counted.write()
    for article_id, rank in (("0", 1), ("999", 1000), ("1000", None)):
        assert (await ranks(service, counted, article_id))["ranks"][-1] == rank


async def test_ranks_of_unknown_article_return_404(service: Service, counted: Counted) -> None:
    answer = await service.get(f"/v1/articles/nobody/ranks?site={counted.site}")
    assert answer.status == 404
    assert (await service.get("/v1/articles/a/ranks?hours=3")).status == 400


async def test_ranks_leave_out_what_is_withheld_now(service: Service, counted: Counted) -> None:
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    for number, article_id in enumerate(("a", "b", "c")):
        counted.event(article_id, LAST - 30 * HOUR, views=9 - number)
        counted.event(article_id, LAST - 2 * HOUR, views=9 - number)
    # It had readers in the first of these two days only.
    counted.event("yesterday", LAST - 30 * HOUR, views=99)
    counted.write()
    before = await ranks(service, counted, "c")
    assert (before["ranks"][-1], before["lengths"][-1]) == (3, 3)
    assert (before["ranks"][-20], before["lengths"][-20]) == (4, 4)
    counted.decision("a", hidden=True)
    counted.article("yesterday", deleted=True)

    async def after(article_id: str) -> tuple[list[Any], list[Any]]:
        history = await ranks(service, counted, article_id)
        return history["ranks"][-20::19], history["lengths"][-20::19]

    async for _ in every(0.1):
        if await after("c") == ([2, 2], [2, 2]):
            break
    assert await after("b") == ([1, 1], [2, 2])
