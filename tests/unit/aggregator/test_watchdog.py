"""The watchdog: when it restarts a worker, when it only says why, and when it does nothing."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest
from prometheus_client import CollectorRegistry

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.watchdog import RESTARTED, StuckError, Watchdog

SECONDS = 0.2


class Restarts:
    """Counts restarts instead of replacing the test's process."""

    def __init__(self) -> None:
        self.happened = threading.Event()

    def __call__(self) -> None:
        self.happened.set()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> dict[str, str]:
    """Set these variables, and remove afterwards what the watchdog sets."""
    variables: dict[str, str] = getattr(request, "param", {})
    monkeypatch.setenv(RESTARTED, "")
    monkeypatch.delenv(RESTARTED)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def restarts() -> Restarts:
    return Restarts()


@pytest.fixture
async def watchdog(
    registry: CollectorRegistry, restarts: Restarts, environment: dict[str, str]
) -> AsyncIterator[Watchdog]:
    watchdog = new_watchdog(registry, restarts)
    yield watchdog
    watchdog.stop()
    await asyncio.sleep(SECONDS / 2)  # for its thread, which must not find the loop closed


def new_watchdog(
    registry: CollectorRegistry, restarts: Restarts, seconds: float = SECONDS
) -> Watchdog:
    return Watchdog(
        AggregatorSettings(aggregator_watchdog_seconds=seconds),
        explain=lambda: "clickhouse: no response",
        metrics=AggregatorMetrics(registry),
        restart=restarts,
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- what another thread sets
            await asyncio.sleep(0.01)


async def test_worker_with_work_that_writes_nothing_restarts(watchdog: Watchdog) -> None:
    watchdog.start()
    watchdog.expect_write()
    with pytest.raises(StuckError):
        await asyncio.wait_for(watchdog.wait(), 30)
    assert RESTARTED in os.environ
    assert watchdog.reason is None


@pytest.mark.parametrize("environment", [{RESTARTED: "1"}], indirect=True)
async def test_restarted_worker_that_still_writes_nothing_stays_and_says_why(
    watchdog: Watchdog, registry: CollectorRegistry
) -> None:
    watchdog.start()
    watchdog.report_recovery({0: 5})
    # The first checkpoint after a recovery writes nothing new while records wait.
    watchdog.report_checkpoint({0: 5}, {0: 9})
    await until(lambda: watchdog.reason is not None)
    assert "clickhouse: no response; a restart has not helped" in (watchdog.reason or "")
    assert registry.get_sample_value("mostread_aggregator_stuck") == 1
    watchdog.report_checkpoint({0: 9}, {0: 9})
    await until(lambda: watchdog.reason is None)
    assert registry.get_sample_value("mostread_aggregator_stuck") == 0
    assert RESTARTED not in os.environ
    # Since something was written, the next silence may restart it again.
    watchdog.expect_write()
    with pytest.raises(StuckError):
        await asyncio.wait_for(watchdog.wait(), 30)


@pytest.mark.parametrize("case", ["without work", "caught up", "moving", "recovering"])
async def test_worker_that_is_idle_or_moves_does_not_restart(
    watchdog: Watchdog, restarts: Restarts, case: str
) -> None:
    watchdog.start()
    for offset in range(100):
        if case == "caught up":
            watchdog.report_checkpoint({0: 5}, {0: 5})
        elif case == "moving":
            watchdog.report_checkpoint({0: offset}, {0: 1000})
        elif case == "recovering":
            watchdog.expect_write()
            watchdog.report_progress()
        await asyncio.sleep(SECONDS / 20)
    assert RESTARTED not in os.environ
    assert not restarts.happened.is_set()
    assert watchdog.reason is None


async def test_hung_event_loop_restarts_even_without_known_work(
    watchdog: Watchdog, restarts: Restarts
) -> None:
    watchdog.start()
    await asyncio.sleep(0)
    deadline = time.monotonic() + 30
    while not restarts.happened.is_set() and time.monotonic() < deadline:
        time.sleep(0.01)  # noqa: ASYNC251 -- hang on purpose
    assert restarts.happened.is_set()


async def test_watchdog_of_zero_seconds_is_off(
    registry: CollectorRegistry, restarts: Restarts
) -> None:
    before = threading.active_count()
    new_watchdog(registry, restarts, seconds=0).start()
    assert threading.active_count() == before
