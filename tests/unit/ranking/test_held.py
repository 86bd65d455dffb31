"""How long, and how many, lists are held still; see tests/integration/ranking/test_cursor.py."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from mostread.core.ranking.ordering import Placed
from mostread.core.ranking.windows import named
from mostread.errors import ClickHouseUnavailable
from mostread.ranking.api.params import ListQuery
from mostread.ranking.cache.cursors import HELD_SECONDS, CursorExpired, HeldLists
from mostread.ranking.config import Weights
from mostread.ranking.service.lists import MostRead, MostReadLists, Order

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)


class Lists(MostReadLists):
    """Lists of thirty articles, which stand for nothing, and how often one was put in order."""

    def __init__(self) -> None:
        self.times = 0
        self.failing = False

    async def order(self, query: ListQuery, offset: int, limit: int) -> Order:
        self.times += 1
        if self.failing:
            raise ClickHouseUnavailable("away")
        placed: list[Any] = [Placed(rank, False, None) for rank in range(1, 31)]
        return Order(NOW, named("24h", NOW), NOW, placed, {})

    async def listed(self, query: ListQuery, order: Order, placed: Sequence[Any]) -> MostRead:
        ranks: Any = tuple(at.rank for at in placed)
        return MostRead(query, order.window, NOW, False, ranks, Weights())


class Time:
    """A clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_list_is_held_as_long_as_somebody_turns_its_pages() -> None:
    time = Time()
    held = HeldLists(Lists(), capacity=2, clock=time)
    _, cursor = await held.page(ListQuery(), "*")
    for _ in range(5):
        time.now += HELD_SECONDS - 1
        assert cursor is not None
        page, _ = await held.page(ListQuery(), cursor)
        ranks: Any = page.entries
        assert ranks == tuple(range(11, 21))
    time.now += HELD_SECONDS + 1
    assert cursor is not None
    with pytest.raises(CursorExpired, match=r"cursor=\*"):
        await held.page(ListQuery(), cursor)


async def test_the_last_page_names_no_other() -> None:
    held = HeldLists(Lists(), capacity=2)
    query = ListQuery(limit=15)
    _, cursor = await held.page(query, "*")
    assert cursor is not None
    page, after = await held.page(query, cursor)
    assert (len(page.entries), after) == (15, None)


async def test_who_begins_at_once_shares_a_list() -> None:
    lists, time = Lists(), Time()
    held = HeldLists(lists, capacity=2, clock=time)
    _, first = await held.page(ListQuery(), "*")
    _, second = await held.page(ListQuery(limit=20), "*")
    assert lists.times == 1
    time.now += 1
    _, third = await held.page(ListQuery(), "*")
    assert lists.times == 2
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.split(".")[0] == second.split(".")[0] != third.split(".")[0]


async def test_no_more_lists_are_held_than_allowed() -> None:
    time = Time()
    held = HeldLists(Lists(), capacity=2, clock=time)
    cursors = []
    for section in "abc":
        time.now += 1
        _, cursor = await held.page(ListQuery(section=section), "*")
        assert cursor is not None
        cursors.append(cursor)
    with pytest.raises(CursorExpired):
        await held.page(ListQuery(section="a"), cursors[0])
    await held.page(ListQuery(section="b"), cursors[1])


async def test_a_list_that_could_not_be_computed_is_not_held() -> None:
    lists = Lists()
    held = HeldLists(lists, capacity=2)
    lists.failing = True
    with pytest.raises(ClickHouseUnavailable):
        await held.page(ListQuery(), "*")
    lists.failing = False
    page, _ = await held.page(ListQuery(), "*")
    assert len(page.entries) == 10
