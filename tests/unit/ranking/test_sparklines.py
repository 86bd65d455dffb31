"""Sparklines of the list page."""

from mostread.ranking.service.sparklines import Sparkline, sparkline


def test_sparkline_has_a_bar_per_hour_with_views_scaled_to_the_largest() -> None:
    line = sparkline([0, 10, 20, 5], largest=80)
    assert line.bars == "M6 24v-12.0M10 24v-24.0"
    assert line.share == 25.0


def test_sparkline_draws_hour_in_progress_apart() -> None:
    assert sparkline([20, 5], largest=20).unfinished == "M6 24v-6.0"


def test_sparkline_without_views_is_empty() -> None:
    assert sparkline([0] * 25, largest=0) == Sparkline("", "", 100.0)
