"""Retrier: attempts, errors for /readyz, and superseded assignments."""

import pytest
from prometheus_client import CollectorRegistry

from mostread.aggregator import retry
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stream.assignment import Assignment, SupersededError
from mostread.errors import ClickHouseUnavailable, StaleEpoch


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def retrier(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> Retrier:
    monkeypatch.setattr(retry, "FIRST_DELAY_SECONDS", 0)
    return Retrier(AggregatorMetrics(registry), "counting")


async def test_call_is_repeated_until_it_succeeds(
    retrier: Retrier, registry: CollectorRegistry
) -> None:
    errors_seen: list[dict[str, str]] = []

    async def call() -> str:
        errors_seen.append(dict(retrier.last_errors))
        if len(errors_seen) < 3:
            raise ClickHouseUnavailable("no response")
        return "result"

    assert await retrier.call("clickhouse", call) == "result"
    assert errors_seen == [{}, {"clickhouse": "no response"}, {"clickhouse": "no response"}]
    assert retrier.last_errors == {}
    labels = {"dependency": "clickhouse", "work": "counting"}
    assert registry.get_sample_value("mostread_aggregator_retries_total", labels) == 2


async def test_call_of_superseded_assignment_raises_between_attempts(retrier: Retrier) -> None:
    generation = 1
    assignment = Assignment((0,), 1, lambda: generation)

    async def call() -> None:
        nonlocal generation
        generation = 2
        raise ClickHouseUnavailable("no response")

    with pytest.raises(SupersededError):
        await retrier.call("clickhouse", call, assignment)
    assert retrier.last_errors == {}


async def test_call_raises_errors_that_no_retry_fixes(retrier: Retrier) -> None:
    async def call() -> None:
        raise StaleEpoch("the topic was recreated")

    with pytest.raises(StaleEpoch):
        await retrier.call("kafka", call)


def test_assignment_is_current_until_generation_changes() -> None:
    generation = 7
    assignment = Assignment((0,), 7, lambda: generation)
    assignment.ensure_current()
    generation = 8
    assert not assignment.is_current
    with pytest.raises(SupersededError):
        assignment.ensure_current()
