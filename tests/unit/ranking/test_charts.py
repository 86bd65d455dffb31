"""Sparklines and the chart of ranks."""

from mostread.ranking.pages.article import rank_line
from mostread.ranking.service.sparklines import HEIGHT, WIDTH, points


def test_sparkline_has_largest_number_at_top_and_zero_at_bottom() -> None:
    assert points([0, 5, 10]) == f"0,{HEIGHT - 1}.0 {WIDTH // 2},{HEIGHT // 2}.0 {WIDTH},1.0"


def test_sparkline_without_views_is_flat() -> None:
    assert {each.split(",")[1] for each in points([0] * 24).split()} == {f"{HEIGHT - 1}.0"}


def test_rank_line_has_first_rank_at_top_and_lowest_at_bottom() -> None:
    line = rank_line([1, 10, 100])
    assert line.lines == ["0,3.0 10,3.0 10,50.0 20,50.0 20,97.0 30,97.0"]
    assert (line.lowest, line.width) == (100, 30)


def test_rank_line_is_split_at_gaps_and_shows_single_ranks() -> None:
    line = rank_line([None, 1, None, None, 1, 1])
    assert line.lines == ["10,3.0 20,3.0", "40,3.0 50,3.0 50,3.0 60,3.0"]
    assert line.lowest == 10


def test_rank_line_without_ranks_is_empty() -> None:
    assert rank_line([None] * 48).lines == []
