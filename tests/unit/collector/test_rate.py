"""rate.py: how many may pass, and how many sources are remembered."""

from hypothesis import given
from hypothesis import strategies as st

from mostread.collector.pipeline.rate_limit import BURST_SECONDS, MOST_SOURCES, RateLimit


def test_a_burst_passes_and_then_as_many_as_the_hour_has() -> None:
    limit = RateLimit(6000)
    assert limit.take(1, 5000, now=100.0) == 1000
    assert limit.take(1, 1, now=100.0) == 0
    assert limit.take(1, 50, now=106.0) == 10
    assert limit.take(2, 5, now=106.0) == 5
    assert limit.take(1, 5000, now=106.0 + BURST_SECONDS) == 1000


@given(
    st.integers(1, 20_000),
    st.lists(st.tuples(st.floats(0, 900), st.integers(1, 1000)), min_size=1, max_size=60),
)
def test_no_hour_has_more_than_a_burst_and_its_own(
    an_hour: int, asked: list[tuple[float, int]]
) -> None:
    limit = RateLimit(an_hour, most_sources=10)
    now = 1000.0
    passed: list[tuple[float, int]] = []
    for pause, wanted in asked:
        now += pause
        passed.append((now, limit.take(7, wanted, now)))
        limit.take(int(now), 1, now)  # somebody else
    most = an_hour + max(an_hour / 6, 1) + 1
    for start, _ in passed:
        assert sum(count for at, count in passed if start <= at < start + 3600) <= most


def test_a_million_sources_are_not_remembered() -> None:
    limit = RateLimit(6000)
    most = 0
    for source in range(1_000_000):
        assert limit.take(source, 1, now=source / 10_000) == 1
        most = max(most, len(limit))
    assert most == 2 * MOST_SOURCES


def test_who_goes_on_is_not_forgotten_among_a_million_others() -> None:
    limit = RateLimit(60)
    assert limit.take(-1, 100, now=0.0) == 10
    for source in range(1_000_000):
        limit.take(source, 1, now=source / 100_000)
        if source % 10_000 == 0:
            assert limit.take(-1, 1, now=source / 100_000) == 0


def test_who_is_silent_is_forgotten() -> None:
    limit = RateLimit(60)
    for source in range(1000):
        limit.take(source, 10, now=0.0)
    limit.take(-1, 1, now=BURST_SECONDS + 1)
    limit.take(-1, 1, now=2 * (BURST_SECONDS + 1))
    assert len(limit) <= 2
