"""Query plans: rows of a window, their decay, and lifetime totals at an earlier time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.query_plan import (
    FULL,
    Bucket,
    RowWeights,
    decay,
    plan,
    row_weights,
    trending_plan,
)
from mostread.core.ranking.windows import NAMES, Window, previous_window, resolve

NOW = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)


LENGTH = {"hour": 60, "week": 7 * 24 * 60}


def minutes(weights: RowWeights) -> dict[int, int]:
    """Return the weight of each minute, by its number since the epoch."""
    by_minute: dict[int, int] = {}
    for (grain, start), times in weights.items():
        for minute in range(start // 60, start // 60 + LENGTH.get(grain, 1)):
            by_minute[minute] = by_minute.get(minute, 0) + times
    return {minute: times for minute, times in by_minute.items() if times}


@given(
    start=st.integers(0, 3 * 24 * 60),
    length=st.integers(1, 27 * 60),
    now=st.integers(0, 4 * 24 * 60),
)
def test_row_weights_count_each_minute_of_window_once(start: int, length: int, now: int) -> None:
    day = datetime(2026, 11, 23, tzinfo=UTC)
    first = day + timedelta(minutes=start)
    window = Window("", first, first + timedelta(minutes=length))
    first_minute = int(first.timestamp()) // 60
    counted = minutes(row_weights(window, day + timedelta(minutes=now)))
    assert counted == dict.fromkeys(range(first_minute, first_minute + length), 1)


def test_plan_decays_every_minute_of_hour_equally() -> None:
    window = resolve("24h", NOW)
    planned = plan(window, NOW, timedelta(hours=2))
    by_minute = minutes(planned.base)
    until = int(planned.base_end.timestamp())
    assert until == int(window.end.timestamp())
    assert sorted(by_minute) == sorted(minutes(planned.counts))
    for minute, weight in by_minute.items():
        hour_end = minute * 60 // 3600 * 3600 + 3600
        assert weight == round(FULL * 2 ** (-max(0, until - hour_end) / 7200))


def test_decay_without_half_life_keeps_full_weight() -> None:
    counted = row_weights(resolve("7d", NOW), NOW)
    assert plan(resolve("7d", NOW), NOW).base == {
        bucket: times * FULL for bucket, times in counted.items()
    }


def test_decay_omits_rows_without_weight() -> None:
    half_life = timedelta(hours=1)
    base = plan(resolve("30d", NOW), NOW, half_life).base
    oldest = min(bucket.start for bucket in base)
    # 2 ** -21 is less than half a millionth.
    assert NOW.timestamp() - oldest < 23 * 3600
    assert base == decay(
        row_weights(resolve("24h", NOW), NOW), NOW + timedelta(seconds=55), half_life
    )


def test_weeks_and_hours_of_a_window_are_the_same_minutes() -> None:
    for name in ("30d", "month", "last_month"):
        window = resolve(name, NOW)
        in_weeks = row_weights(window, NOW)
        assert any(bucket.grain == "week" for bucket in in_weeks)
        assert minutes(in_weeks) == minutes(row_weights(window, NOW, weeks=False))


def test_plan_of_unfinished_window_decays_from_now() -> None:
    planned = plan(resolve("week", NOW), NOW, timedelta(hours=1))
    assert planned.base_end == datetime(2026, 11, 23, 14, 4, tzinfo=UTC)


def test_plan_of_lifetime_a_day_ago_subtracts_last_day() -> None:
    before = previous_window("all", NOW)
    assert before is not None
    planned = plan(before, NOW)
    assert planned.counts[Bucket("total", 0)] == 1
    since = {bucket: -times for bucket, times in planned.counts.items() if bucket.grain != "total"}
    assert minutes(since) == minutes(dict(row_weights(resolve("24h", NOW), NOW)))


def test_trending_plan_compares_hour_with_day_before() -> None:
    planned = trending_plan(resolve("1h", NOW), NOW)
    hour, day = minutes(planned.counts), minutes(planned.base)
    assert (len(hour), len(day)) == (60, 1440)
    assert max(day) + 1 == min(hour)
    assert planned.base_end.timestamp() == min(hour) * 60


@given(st.sampled_from(NAMES))
def test_previous_window_ends_before_now(name: str) -> None:
    before = previous_window(name, NOW)
    assert before is not None
    assert before.name == name
    assert before.start < before.end < NOW
