"""RateLimit: events allowed per source, and sources stored."""

from hypothesis import given
from hypothesis import strategies as st

from mostread.collector.pipeline.rate_limit import (
    BURST_SECONDS,
    MAX_PAIRS,
    MAX_SOURCES,
    DistinctLimit,
    RateLimit,
)


def test_rate_limit_allows_a_burst_and_then_the_hourly_rate() -> None:
    limit = RateLimit(6000)
    assert limit.allow(1, 5000, now=100.0) == 1000
    assert limit.allow(1, 1, now=100.0) == 0
    assert limit.allow(1, 50, now=106.0) == 10
    assert limit.allow(2, 5, now=106.0) == 5
    assert limit.allow(1, 5000, now=106.0 + BURST_SECONDS) == 1000


@given(
    st.integers(1, 20_000),
    st.lists(st.tuples(st.floats(0, 900), st.integers(1, 1000)), min_size=1, max_size=60),
)
def test_rate_limit_never_exceeds_burst_plus_hourly_rate(
    per_hour: int, attempts: list[tuple[float, int]]
) -> None:
    limit = RateLimit(per_hour, max_sources=10)
    now = 1000.0
    passed: list[tuple[float, int]] = []
    for pause, wanted in attempts:
        now += pause
        passed.append((now, limit.allow(7, wanted, now)))
        limit.allow(int(now), 1, now)  # another source
    maximum = per_hour + max(per_hour / 6, 1) + 1
    for start, _ in passed:
        assert sum(count for at, count in passed if start <= at < start + 3600) <= maximum


def test_rate_limit_stores_two_generations_at_most() -> None:
    limit = RateLimit(6000)
    maximum = 0
    for source in range(1_000_000):
        assert limit.allow(source, 1, now=source / 10_000) == 1
        maximum = max(maximum, len(limit))
    assert maximum == 2 * MAX_SOURCES


def test_rate_limit_keeps_active_sources_among_a_million() -> None:
    limit = RateLimit(60)
    assert limit.allow(-1, 100, now=0.0) == 10
    for source in range(1_000_000):
        limit.allow(source, 1, now=source / 100_000)
        if source % 10_000 == 0:
            assert limit.allow(-1, 1, now=source / 100_000) == 0


def test_rate_limit_forgets_silent_sources() -> None:
    limit = RateLimit(60)
    for source in range(1000):
        limit.allow(source, 10, now=0.0)
    limit.allow(-1, 1, now=BURST_SECONDS + 1)
    limit.allow(-1, 1, now=2 * (BURST_SECONDS + 1))
    assert len(limit) <= 2


def test_distinct_limit_begins_again_after_a_minute() -> None:
    limit = DistinctLimit(2)
    assert limit.refused(7, ["a", "b", "c", "a"], now=100.0) == {"c"}
    assert limit.refused(7, ["c", "b"], now=159.9) == {"c"}
    assert limit.refused(8, ["c"], now=159.9) == set()
    assert limit.refused(7, ["c", "d"], now=160.0) == set()
    assert limit.refused(7, ["a"], now=160.0) == {"a"}


def test_distinct_limit_stores_a_bounded_number_of_pairs() -> None:
    limit = DistinctLimit(10)
    maximum = 0
    for source in range(500_000):
        assert limit.refused(source, [source], now=0.0) == set()
        maximum = max(maximum, len(limit))
    assert maximum == MAX_PAIRS
