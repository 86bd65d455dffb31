"""Selection of counter rows: runs in SQL that contain these rows and no others."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.query_plan import LENGTH, Bucket, plan
from mostread.core.ranking.windows import Bounds, resolve
from mostread.ranking.counter_rows import RowCondition, successive, weighted_rows

NOW = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)

buckets = st.sets(
    st.builds(
        lambda grain, n: Bucket(grain, n * int(LENGTH[grain].total_seconds())),
        st.sampled_from(["minute", "hour", "week"]),
        st.integers(1, 30),
    )
)


@given(buckets)
def test_runs_contain_each_row_once_and_never_touch(rows: set[Bucket]) -> None:
    contained = []
    runs = successive(rows)
    for grain, first, last in runs:
        length = int(LENGTH[grain].total_seconds())
        contained += [Bucket(grain, start) for start in range(first, last + 1, length)]
        assert (grain, last + length) not in {(other, start) for other, start, _ in runs}
    assert sorted(contained) == sorted(rows)


def test_condition_without_rows_selects_none() -> None:
    assert str(RowCondition(())) == "(false)"
    assert weighted_rows(now={}) == {
        "buckets": [1],
        "selected": RowCondition([Bucket("minute", 0)]),
        "now": [0],
    }


def test_year_of_hours_with_half_life_is_few_runs() -> None:
    window = resolve("range", NOW, bounds=Bounds(NOW - timedelta(days=399), None))
    planned = plan(window, NOW, timedelta(days=200))
    parameters = weighted_rows(now=planned.counts, base=planned.base)
    assert len(parameters["base"]) > 9_000
    assert str(parameters["selected"]).count("BETWEEN") < 10
