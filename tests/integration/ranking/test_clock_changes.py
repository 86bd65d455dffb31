"""Days of 23 and 25 hours in lists: every minute belongs to exactly one day."""

from datetime import UTC, datetime, timedelta

import pytest

from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.http import client_of
from tests.support.ranking import Counted, Site


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        # A change of half an hour, and a skipped midnight.
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 13, 30, tzinfo=UTC), 23.5),
        ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC), 23),
    ],
)
async def test_day_window_follows_clock_changes(
    ranking_settings: RankingSettings, counted: Counted, zone: str, start: datetime, hours: float
) -> None:
    end = start + timedelta(hours=hours)
    minute = timedelta(minutes=1)
    counted.now = end
    counted.event("last of the day before", start - minute, views=1)
    counted.event("first", start, views=1)
    counted.event("last", end - minute, views=1)
    counted.event("first of the day after", end, views=1)
    counted.write()

    async def listed(now: datetime, window: str) -> set[str]:
        async with (
            ranking_app(ranking_settings, clock=lambda: int(now.timestamp() * 1000)) as app,
            client_of(app) as service,
        ):
            return set(await Site(service, counted.site).ids(window=window, tz=zone))

    day = {"first", "last"}
    assert await listed(end - minute, "today") == day
    assert await listed(end, "today") == {"first of the day after"}
    assert await listed(end, "yesterday") == day
    assert await listed(start, "yesterday") == {"last of the day before"}
