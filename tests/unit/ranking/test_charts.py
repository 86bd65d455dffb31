"""Sparklines and the chart of ranks."""

from mostread.ranking.pages.article import rank_line
from mostread.ranking.service.sparklines import Sparkline, sparkline


def test_sparkline_has_a_bar_per_hour_with_views_scaled_to_the_largest() -> None:
    line = sparkline([0, 10, 20, 5], largest=80)
    assert line.bars == "M6 24v-12.0M10 24v-24.0"
    assert line.share == 25.0


def test_sparkline_draws_hour_in_progress_apart() -> None:
    assert sparkline([20, 5], largest=20).unfinished == "M6 24v-6.0"


def test_sparkline_without_views_is_empty() -> None:
    assert sparkline([0] * 25, largest=0) == Sparkline("", "", 100.0)


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
