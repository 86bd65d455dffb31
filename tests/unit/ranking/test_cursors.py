"""Cursors: how long and how many lists are stored; see also the integration test of cursors."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from mostread.core.ranking.ordering import Placed
from mostread.core.ranking.windows import resolve
from mostread.errors import ClickHouseUnavailable, CursorExpired
from mostread.ranking.cache.cursors import LIFETIME_SECONDS, CursorStore
from mostread.ranking.config import Weights
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import ListService, RankedList, RankedPage
from mostread.ranking.service.ranked_source import ListMoment

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)


class Lists(ListService):
    """Lists of thirty placeholder articles; counts how often one is ranked."""

    def __init__(self) -> None:
        self.times = 0
        self.failing = False

    async def rank(self, query: ListQuery, offset: int, limit: int) -> RankedPage:
        self.times += 1
        if self.failing:
            raise ClickHouseUnavailable("unavailable")
        placed: list[Any] = [Placed(rank, False, None) for rank in range(1, 31)]
        return RankedPage(ListMoment(query, resolve("24h", NOW), NOW), NOW, placed, {}, 0)

    async def still_listed(self, query: ListQuery, placed: Sequence[Any]) -> list[Any]:
        return list(placed)

    async def describe(
        self, query: ListQuery, page: RankedPage, placed: Sequence[Any]
    ) -> RankedList:
        ranks: Any = tuple(at.rank for at in placed)
        return RankedList(query, page.at.window, NOW, False, ranks, Weights())


class Time:
    """A clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_cursor_expires_after_its_last_use() -> None:
    time = Time()
    cursors = CursorStore(Lists(), capacity=2, clock=time)
    _, cursor = await cursors.page(ListQuery(), "*")
    for _ in range(5):
        time.now += LIFETIME_SECONDS - 1
        assert cursor is not None
        page, _ = await cursors.page(ListQuery(), cursor)
        ranks: Any = page.entries
        assert ranks == tuple(range(11, 21))
    time.now += LIFETIME_SECONDS + 1
    assert cursor is not None
    with pytest.raises(CursorExpired, match=r"cursor=\*"):
        await cursors.page(ListQuery(), cursor)


async def test_last_page_has_no_next_cursor() -> None:
    cursors = CursorStore(Lists(), capacity=2)
    query = ListQuery(limit=15)
    _, cursor = await cursors.page(query, "*")
    assert cursor is not None
    page, after = await cursors.page(query, cursor)
    assert (len(page.entries), after) == (15, None)


async def test_clients_that_start_within_a_second_share_a_list() -> None:
    lists, time = Lists(), Time()
    cursors = CursorStore(lists, capacity=2, clock=time)
    _, first = await cursors.page(ListQuery(), "*")
    _, second = await cursors.page(ListQuery(limit=20), "*")
    assert lists.times == 1
    time.now += 1
    _, third = await cursors.page(ListQuery(), "*")
    assert lists.times == 2
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.split(".")[0] == second.split(".")[0] != third.split(".")[0]


async def test_store_evicts_least_recently_used_list() -> None:
    time = Time()
    cursors = CursorStore(Lists(), capacity=2, clock=time)
    issued = []
    for section in "abc":
        time.now += 1
        _, cursor = await cursors.page(ListQuery(section=(section,)), "*")
        assert cursor is not None
        issued.append(cursor)
    with pytest.raises(CursorExpired):
        await cursors.page(ListQuery(section=("a",)), issued[0])
    await cursors.page(ListQuery(section=("b",)), issued[1])


async def test_failed_list_is_not_stored() -> None:
    lists = Lists()
    cursors = CursorStore(lists, capacity=2)
    lists.failing = True
    with pytest.raises(ClickHouseUnavailable):
        await cursors.page(ListQuery(), "*")
    lists.failing = False
    page, _ = await cursors.page(ListQuery(), "*")
    assert len(page.entries) == 10
