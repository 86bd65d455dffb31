"""Arithmetic of skipped ranges."""

from collections.abc import Sequence

import pytest

from mostread.core.skipped import SkippedRange, readable_ranges, skip_end


def skipped(*bounds: tuple[int, int]) -> list[SkippedRange]:
    return [SkippedRange(0, first, end, 0, "corrupt", "operator") for first, end in bounds]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([], [(10, 20)]),
        ([(0, 5)], [(10, 20)]),
        ([(5, 12)], [(12, 20)]),
        ([(12, 15)], [(10, 12), (15, 20)]),
        ([(12, 14), (14, 15)], [(10, 12), (15, 20)]),
        ([(12, 18), (13, 15)], [(10, 12), (18, 20)]),
        ([(18, 30)], [(10, 18)]),
        ([(20, 30)], [(10, 20)]),
        ([(10, 20)], []),
        ([(0, 30)], []),
    ],
)
def test_readable_ranges_leave_out_skipped_offsets(
    bounds: Sequence[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    assert [(r.start, r.stop) for r in readable_ranges(10, 20, skipped(*bounds))] == expected


@pytest.mark.parametrize(
    ("offset", "end"), [(0, 0), (3, 7), (6, 7), (7, 7), (10, 16), (12, 16), (16, 16)]
)
def test_skip_end_is_first_offset_outside_the_ranges(offset: int, end: int) -> None:
    assert skip_end(offset, skipped((3, 7), (10, 13), (12, 16))) == end
