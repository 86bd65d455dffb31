"""Answers are computed once for all who ask, kept for a bounded time and in a bounded number."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from mostread.errors import ClickHouseUnavailable
from mostread.ranking.cache import swr as snapshot
from mostread.ranking.cache.swr import Snapshots
from mostread.ranking.metrics import Metrics
from tests.support.computation import Computation


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def compute() -> Computation:
    return Computation()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def snapshots(compute: Computation, clock: Clock) -> Snapshots[str, str]:
    return Snapshots(
        "list",
        compute,
        lambda value: f"{value} (stale)",
        Metrics(CollectorRegistry()),
        capacity=2,
        clock=clock,
    )


async def test_many_who_ask_at_once_get_one_computation(
    snapshots: Snapshots[str, str], compute: Computation
) -> None:
    answers = await asyncio.gather(*(snapshots.get("a") for _ in range(100)))
    assert set(answers) == {"a 1"}
    assert compute.times == 1


async def test_a_fresh_answer_is_given_again(
    snapshots: Snapshots[str, str], compute: Computation, clock: Clock
) -> None:
    await snapshots.get("a")
    clock.now += 0.99
    assert await snapshots.get("a") == "a 1"
    assert compute.times == 1


async def test_nobody_waits_for_a_list_in_demand(
    snapshots: Snapshots[str, str], compute: Computation, clock: Clock
) -> None:
    await snapshots.get("a")
    clock.now += 1.5
    compute.may_go_on.clear()
    assert await snapshots.get("a") == "a 1"
    assert await snapshots.get("a") == "a 1"
    compute.may_go_on.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await snapshots.get("a") == "a 2"
    assert compute.times == 2


async def test_an_old_answer_is_not_given(snapshots: Snapshots[str, str], clock: Clock) -> None:
    await snapshots.get("a")
    clock.now += 2
    assert await snapshots.get("a") == "a 2"


async def test_while_computing_fails_the_kept_answer_is_given_as_stale(
    snapshots: Snapshots[str, str], compute: Computation, clock: Clock
) -> None:
    await snapshots.get("a")
    clock.now += 10
    compute.failing = True
    assert await snapshots.get("a") == "a 1 (stale)"
    clock.now += 0.5
    await snapshots.get("a")
    assert compute.times == 2, "a failure is not tried again within the second"
    clock.now += 10
    compute.failing = False
    assert await snapshots.get("a") == "a 3"


async def test_with_nothing_kept_the_failure_is_raised_to_all_who_wait(
    snapshots: Snapshots[str, str], compute: Computation
) -> None:
    compute.failing = True
    answers = await asyncio.gather(*(snapshots.get("a") for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ClickHouseUnavailable] * 3
    assert compute.times == 1
    compute.failing = False
    assert await snapshots.get("a") == "a 2"


async def test_while_computing_hangs_the_kept_answer_is_given_as_stale(
    snapshots: Snapshots[str, str],
    compute: Computation,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "PATIENCE_SECONDS", 0.01)
    await snapshots.get("a")
    clock.now += 10
    compute.may_go_on.clear()
    assert await snapshots.get("a") == "a 1 (stale)"
    compute.may_go_on.set()
    clock.now += 10
    assert await snapshots.get("a") == "a 2"


async def test_one_who_goes_away_does_not_end_the_computation_of_the_others(
    snapshots: Snapshots[str, str], compute: Computation
) -> None:
    compute.may_go_on.clear()
    goes, stays = (asyncio.create_task(snapshots.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    goes.cancel()
    await asyncio.sleep(0)
    compute.may_go_on.set()
    assert await stays == "a 1"


async def test_the_least_asked_for_goes(
    snapshots: Snapshots[str, str], compute: Computation
) -> None:
    for key in ("a", "b", "a", "c"):
        await snapshots.get(key)
    assert await snapshots.get("a") == "a 1"
    assert await snapshots.get("b") == "b 4"
    assert compute.times == 4
