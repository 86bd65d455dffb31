"""Sparklines of the list page."""

from datetime import UTC, datetime, timedelta

import pytest

from mostread.core.ranking.windows import HOUR, Bounds, resolve
from mostread.ranking.service.sparklines import Bars, Sparkline, bars_of, sparkline

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_sparkline_has_a_bar_per_hour_with_views_scaled_to_the_largest() -> None:
    line = sparkline([0, 10, 20, 5], largest=80, unfinished=True)
    assert line.bars == "M6 24v-12.0M10 24v-24.0"
    assert line.share == 25.0


def test_sparkline_draws_hour_in_progress_apart() -> None:
    assert sparkline([20, 5], largest=20, unfinished=True).unfinished == "M6 24v-6.0"


def test_sparkline_without_views_is_empty() -> None:
    assert sparkline([0] * 25, largest=0, unfinished=True) == Sparkline("", "", 100.0)


def test_sparkline_of_a_window_that_is_over_has_no_hour_in_progress() -> None:
    line = sparkline([20, 5], largest=20, unfinished=False)
    assert (line.bars, line.unfinished) == ("M2 24v-24.0M6 24v-6.0", "")


@pytest.mark.parametrize(
    ("name", "bars"),
    [
        ("1h", Bars(utc(2026, 11, 22, 14), HOUR, 25, unfinished=True)),
        ("24h", Bars(utc(2026, 11, 22, 14), HOUR, 25, unfinished=True)),
        ("today", Bars(utc(2026, 11, 22, 14), HOUR, 25, unfinished=True)),
        ("yesterday", Bars(utc(2026, 11, 22), HOUR, 24, unfinished=False)),
        ("7d", Bars(utc(2026, 11, 16, 14), 6 * HOUR, 28, unfinished=False)),
        ("30d", Bars(utc(2026, 10, 24, 14), DAY, 30, unfinished=False)),
        ("all", Bars(utc(2026, 10, 24, 14), DAY, 30, unfinished=False)),
        ("last_month", Bars(utc(2026, 10, 1), DAY, 31, unfinished=False)),
    ],
)
def test_bars_follow_the_window(name: str, bars: Bars) -> None:
    assert bars_of(resolve(name, NOW), NOW) == bars


def test_bars_of_a_year_are_several_days_long() -> None:
    window = resolve("", NOW, bounds=Bounds(utc(2025, 11, 23), None))
    bars = bars_of(window, NOW)
    assert (bars.step, bars.number) == (12 * DAY, 31)
    assert bars.start + bars.number * bars.step == utc(2026, 11, 23, 14)
