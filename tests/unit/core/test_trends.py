"""The usual activity of a site by hour of the day."""

from datetime import UTC, datetime, timedelta

import pytest

from mostread.core.ranking.trends import PROFILE_HOURS, usual

END = datetime(2026, 11, 23, 14, 15, tzinfo=UTC)


def hourly(*by_hour: int, hours: int = PROFILE_HOURS) -> list[int]:
    """Return the same day again and again, up to END, counted for the last `hours` of a week."""
    first = END.replace(minute=0) - timedelta(hours=PROFILE_HOURS)
    views = [by_hour[(first + timedelta(hours=n)).hour] for n in range(PROFILE_HOURS)]
    return [0] * (PROFILE_HOURS - hours) + views[PROFILE_HOURS - hours :]


def test_busy_hours_have_more_activity() -> None:
    day = [10] * 24
    day[13], day[14] = 490, 890
    at = usual(END, hourly(*day), 0)
    # A quarter of the last hour is of 14:00, the rest of 13:00; a mean hour has 76.25 views.
    assert at.activity[0] == pytest.approx((0.25 * 900 + 0.75 * 500) / 76.25, rel=0.2)
    assert at.activity[5] == pytest.approx(20 / 76.25, rel=0.2)
    assert sum(at.activity[:24]) == pytest.approx(24)


def test_typical_article_is_that_of_mean_hour() -> None:
    day = [0] * 12 + [2000] * 12
    assert usual(END, hourly(*day), 300).typical == pytest.approx(150, rel=0.01)


@pytest.mark.parametrize("hours", [49, 60, 71, 100])
def test_hour_that_was_counted_on_more_days_is_not_busier(hours: int) -> None:
    at = usual(END, hourly(*[100] * 24, hours=hours), 0)
    assert at.activity == pytest.approx([1] * 25)


def test_site_of_two_days_has_no_profile() -> None:
    day = [0] * 12 + [2000] * 12
    at = usual(END, hourly(*day, hours=47), 60)
    assert at == (60, (1,) * 25)


def test_hours_before_site_was_counted_have_no_activity() -> None:
    at = usual(END, hourly(*[7] * 24, hours=3), 0)
    # Counted since 11:00: the hours to 13:15 and 12:15, and a part of that to 11:15.
    assert at.activity == (1, 1, 1, 1, *[0] * 21)


def test_site_that_was_never_counted_has_activity_in_last_hour_only() -> None:
    assert usual(END, [0] * PROFILE_HOURS, 0) == (0, (1, *[0] * 24))


def test_few_views_hardly_shape_day() -> None:
    day = [0] * 24
    day[14] = 3
    assert max(usual(END, hourly(*day), 0).activity) < 1.25
