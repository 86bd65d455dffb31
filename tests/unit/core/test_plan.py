"""The rows of a list: a window's rows, their decay, and what totals were at an earlier time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.buckets import Bucket, weighing
from mostread.core.ranking.query_plan import plan, trending_plan
from mostread.core.ranking.scoring import FULL, decayed
from mostread.core.ranking.windows import NAMES, Window, a_step_before, named

NOW = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)


def minutes(weighed: dict[Bucket, int]) -> dict[int, int]:
    """How often each minute counts, by its number since the epoch."""
    found: dict[int, int] = {}
    for (grain, start), times in weighed.items():
        for minute in range(start // 60, start // 60 + (60 if grain == "hour" else 1)):
            found[minute] = found.get(minute, 0) + times
    return {minute: times for minute, times in found.items() if times}


@given(
    start=st.integers(0, 3 * 24 * 60),
    length=st.integers(1, 27 * 60),
    now=st.integers(0, 4 * 24 * 60),
)
def test_each_minute_of_a_window_counts_once(start: int, length: int, now: int) -> None:
    day = datetime(2026, 11, 23, tzinfo=UTC)
    first = day + timedelta(minutes=start)
    window = Window("", first, first + timedelta(minutes=length))
    first_minute = int(first.timestamp()) // 60
    counted = minutes(dict(weighing(window, day + timedelta(minutes=now))))
    assert counted == dict.fromkeys(range(first_minute, first_minute + length), 1)


def test_every_minute_of_an_hour_decays_alike() -> None:
    window = named("24h", NOW)
    planned = plan(window, NOW, timedelta(hours=2))
    by_minute = minutes(dict(planned.base))
    until = int(planned.base_end.timestamp())
    assert until == int(window.end.timestamp())
    assert sorted(by_minute) == sorted(minutes(dict(planned.counts)))
    for minute, weight in by_minute.items():
        hour_end = minute * 60 // 3600 * 3600 + 3600
        assert weight == round(FULL * 2 ** (-max(0, until - hour_end) / 7200))


def test_without_a_half_life_everything_counts_in_full() -> None:
    counted = weighing(named("7d", NOW), NOW)
    assert decayed(counted, NOW, None) == {
        bucket: times * FULL for bucket, times in counted.items()
    }


def test_a_window_that_goes_on_decays_from_now() -> None:
    planned = plan(named("week", NOW), NOW, timedelta(hours=1))
    assert planned.base_end == datetime(2026, 11, 23, 14, 4, tzinfo=UTC)


def test_totals_of_a_day_ago_are_those_of_now_without_the_day() -> None:
    planned = plan(a_step_before("all", NOW), NOW)
    assert planned.counts[Bucket("total", 0)] == 1
    since = {bucket: -times for bucket, times in planned.counts.items() if bucket.grain != "total"}
    assert minutes(since) == minutes(dict(weighing(named("24h", NOW), NOW)))


def test_what_trends_is_held_against_the_day_before_it() -> None:
    planned = trending_plan(named("1h", NOW), NOW)
    hour, day = minutes(dict(planned.counts)), minutes(dict(planned.base))
    assert (len(hour), len(day)) == (60, 1440)
    assert max(day) + 1 == min(hour)
    assert planned.base_end.timestamp() == min(hour) * 60


@given(st.sampled_from(NAMES))
def test_a_step_before_everything_is_over(name: str) -> None:
    before = a_step_before(name, NOW)
    assert before.name == name
    assert before.start < before.end < NOW
