"""Watermarks follow the clock that asks for the end of a partition, never a record beyond it."""

from hypothesis import given
from hypothesis import strategies as st

from mostread.aggregator.watermark import Watermark

NOW = 1_790_000_000_000
YEAR = 366 * 86_400_000


def test_partition_counted_to_its_end_has_the_time_of_the_request() -> None:
    assert Watermark().update(NOW, end=5, next_offset=5, last_time=NOW - 9) == NOW
    assert Watermark().update(NOW, end=5, next_offset=5, last_time=NOW + YEAR) == NOW
    assert Watermark(NOW - 5).update(NOW, end=0, next_offset=0, last_time=-1) == NOW


def test_partition_with_more_records_is_counted_to_before_the_last() -> None:
    assert Watermark().update(NOW, end=9, next_offset=5, last_time=NOW - 9) == NOW - 10


def test_record_ahead_of_clock_does_not_move_watermark() -> None:
    watermark = Watermark(NOW - 60_000)
    assert watermark.update(NOW, end=9, next_offset=5, last_time=NOW + YEAR) == NOW - 60_000
    assert watermark.update(NOW + 1, end=9, next_offset=6, last_time=NOW + 2) == NOW - 60_000
    assert watermark.update(NOW + 2, end=9, next_offset=7, last_time=NOW - 5) == NOW - 6


def test_watermark_moves_under_constant_load_with_record_times_ahead() -> None:
    watermark = Watermark()
    times = [
        watermark.update(
            NOW + 1000 * n, end=100 * n + 50, next_offset=100 * n, last_time=NOW + YEAR
        )
        for n in range(5)
    ]
    assert times == [0, NOW, NOW + 1000, NOW + 2000, NOW + 3000]


def test_open_transaction_keeps_watermark_before_its_first_record() -> None:
    watermark = Watermark()
    assert watermark.update(NOW, end=5, next_offset=5, last_time=NOW - 9) == NOW
    for later in (1000, 2000, 86_400_000):
        assert watermark.update(NOW + later, end=8, next_offset=5, last_time=NOW - 9) == NOW


def test_stored_watermark_of_a_clock_ahead_is_cut_to_the_present() -> None:
    assert Watermark(NOW + YEAR).update(NOW, end=9, next_offset=5, last_time=-1) == NOW
    assert Watermark(NOW + YEAR).update(NOW, end=9, next_offset=9, last_time=-1) == NOW


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 2**63 - 1), st.integers(0, 9), st.integers(0, 9), st.integers(-9, 9)
        ),
        max_size=20,
    )
)
def test_watermark_is_at_most_the_present_and_never_falls_while_clock_rises(
    steps: list[tuple[int, int, int, int]],
) -> None:
    watermark, now, next_offset, before = Watermark(), NOW, 0, 0
    for wild, counted, more, skew in steps:
        now += 1000
        next_offset += counted
        last_time = wild if wild % 2 else now + skew
        time = watermark.update(
            now, end=next_offset + more, next_offset=next_offset, last_time=last_time
        )
        assert before <= time <= now
        assert more or time == now
        before = time
