"""Values are computed once for all who ask, failures are not kept, and few values are."""

import asyncio

import pytest

from mostread.errors import ClickHouseUnavailable
from mostread.ranking.cache.memo import Remembered
from tests.support.computation import Computation


async def test_a_value_is_computed_once_for_all_who_ask() -> None:
    compute = Computation()
    values = Remembered(compute, capacity=2)
    assert set(await asyncio.gather(*(values.get("a") for _ in range(9)))) == {"a 1"}
    assert await values.get("a") == "a 1"


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    compute = Computation()
    values = Remembered(compute, capacity=2)
    compute.failing = True
    told = await asyncio.gather(values.get("a"), values.get("a"), return_exceptions=True)
    assert [type(each) for each in told] == [ClickHouseUnavailable] * 2
    compute.failing = False
    assert await values.get("a") == "a 2"


async def test_one_who_goes_away_does_not_end_it_for_the_others() -> None:
    compute = Computation()
    values = Remembered(compute, capacity=2)
    compute.may_go_on.clear()
    goes, stays = (asyncio.create_task(values.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    goes.cancel()
    with pytest.raises(asyncio.CancelledError):
        await goes
    compute.may_go_on.set()
    assert await stays == "a 1"


async def test_the_one_asked_for_longest_ago_goes() -> None:
    values = Remembered(Computation(), capacity=2)
    assert [await values.get(key) for key in "abacab"] == ["a 1", "b 2", "a 1", "c 3", "a 1", "b 4"]
