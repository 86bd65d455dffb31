"""The cache: hits, revalidation, stale values, single flight and eviction."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from mostread.errors import ClickHouseUnavailable
from mostread.ranking.cache import cache as cache_module
from mostread.ranking.cache.cache import REVALIDATE_SECONDS, TTL_SECONDS, Cache
from mostread.ranking.metrics import RankingMetrics
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
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def cache(compute: Computation, clock: Clock, registry: CollectorRegistry) -> Cache[str, str]:
    return Cache(
        compute,
        capacity=2,
        ttl=TTL_SECONDS,
        revalidate=REVALIDATE_SECONDS,
        mark_stale=lambda value: f"{value} (stale)",
        metrics=RankingMetrics(registry).cache("list"),
        clock=clock,
    )


@pytest.fixture
def memo(compute: Computation, clock: Clock) -> Cache[str, str]:
    """A cache whose values never expire."""
    return Cache(compute, capacity=2, clock=clock)


def lookups(registry: CollectorRegistry) -> dict[str, float]:
    """Return the number of lookups by result."""
    samples = {
        result: registry.get_sample_value(
            "mostread_ranking_responses_total", {"resource": "list", "cache": result}
        )
        for result in ("hit", "revalidating", "stale", "miss")
    }
    return {result: number for result, number in samples.items() if number}


async def test_cache_computes_once_for_concurrent_callers(
    cache: Cache[str, str], compute: Computation
) -> None:
    values = await asyncio.gather(*(cache.get("a") for _ in range(100)))
    assert set(values) == {"a 1"}
    assert compute.times == 1


async def test_cache_returns_fresh_value_without_computing(
    cache: Cache[str, str], compute: Computation, clock: Clock
) -> None:
    await cache.get("a")
    clock.now += 0.99
    assert await cache.get("a") == "a 1"
    assert compute.times == 1


async def test_cache_returns_old_value_while_it_revalidates(
    cache: Cache[str, str], compute: Computation, clock: Clock
) -> None:
    await cache.get("a")
    clock.now += 1.5
    compute.may_finish.clear()
    assert await cache.get("a") == "a 1"
    assert await cache.get("a") == "a 1"
    compute.may_finish.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await cache.get("a") == "a 2"
    assert compute.times == 2


async def test_cache_waits_for_refresh_after_revalidation_period(
    cache: Cache[str, str], clock: Clock
) -> None:
    await cache.get("a")
    clock.now += 2
    assert await cache.get("a") == "a 2"


async def test_cache_returns_stale_value_while_computing_fails(
    cache: Cache[str, str], compute: Computation, clock: Clock
) -> None:
    await cache.get("a")
    clock.now += 10
    compute.failing = True
    assert await cache.get("a") == "a 1 (stale)"
    clock.now += 0.5
    await cache.get("a")
    assert compute.times == 2, "a failure is not retried within the second"
    clock.now += 10
    compute.failing = False
    assert await cache.get("a") == "a 3"


async def test_cache_without_value_raises_failure_to_all_callers(
    cache: Cache[str, str], compute: Computation
) -> None:
    compute.failing = True
    results = await asyncio.gather(*(cache.get("a") for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ClickHouseUnavailable] * 3
    assert compute.times == 1
    compute.failing = False
    assert await cache.get("a") == "a 2"


async def test_cache_returns_stale_value_while_computing_hangs(
    cache: Cache[str, str],
    compute: Computation,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache_module, "REFRESH_TIMEOUT_SECONDS", 0.01)
    await cache.get("a")
    clock.now += 10
    compute.may_finish.clear()
    assert await cache.get("a") == "a 1 (stale)"
    compute.may_finish.set()
    clock.now += 10
    assert await cache.get("a") == "a 2"


async def test_cache_refresh_survives_cancellation_of_one_caller(
    cache: Cache[str, str], compute: Computation
) -> None:
    compute.may_finish.clear()
    cancelled, waiting = (asyncio.create_task(cache.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    compute.may_finish.set()
    assert await waiting == "a 1"


async def test_cache_evicts_least_recently_used_value(
    cache: Cache[str, str], compute: Computation
) -> None:
    for key in ("a", "b", "a", "c"):
        await cache.get(key)
    assert await cache.get("a") == "a 1"
    assert await cache.get("b") == "b 4"
    assert compute.times == 4


async def test_cache_counts_lookups_by_result(
    cache: Cache[str, str], compute: Computation, clock: Clock, registry: CollectorRegistry
) -> None:
    await cache.get("a")
    await cache.get("a")
    clock.now += 1.5
    await cache.get("a")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    compute.failing = True
    clock.now += 10
    await cache.get("a")
    assert lookups(registry) == {"miss": 1, "hit": 1, "revalidating": 1, "stale": 1}


async def test_memo_computes_value_once(memo: Cache[str, str], clock: Clock) -> None:
    assert set(await asyncio.gather(*(memo.get("a") for _ in range(9)))) == {"a 1"}
    clock.now += 1_000_000
    assert await memo.get("a") == "a 1"


async def test_memo_raises_failure_to_all_callers_and_does_not_cache_it(
    memo: Cache[str, str], compute: Computation
) -> None:
    compute.failing = True
    results = await asyncio.gather(memo.get("a"), memo.get("a"), return_exceptions=True)
    assert [type(result) for result in results] == [ClickHouseUnavailable] * 2
    compute.failing = False
    assert await memo.get("a") == "a 2"


async def test_memo_survives_cancellation_of_one_caller(
    memo: Cache[str, str], compute: Computation
) -> None:
    compute.may_finish.clear()
    cancelled, waiting = (asyncio.create_task(memo.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    compute.may_finish.set()
    assert await waiting == "a 1"


async def test_memo_evicts_least_recently_used_value(memo: Cache[str, str]) -> None:
    assert [await memo.get(key) for key in "abacab"] == ["a 1", "b 2", "a 1", "c 3", "a 1", "b 4"]
