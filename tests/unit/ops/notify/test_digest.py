"""The hour at which a digest is due."""

from datetime import UTC, date, datetime, time

import pytest

from mostread.ops.notify.digest import due_day
from mostread.ops.notify.subscriptions import Subscription


def subscription(at: time | None, zone: str = "Asia/Almaty") -> Subscription:
    return Subscription(
        name="digest",
        alerts=frozenset(["rises"]),
        digest_at=at,
        timezone=zone,
        mail=("desk@news.example",),
    )


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 11, 28, 2, 59, 59, tzinfo=UTC), None),
        (datetime(2026, 11, 28, 3, 0, tzinfo=UTC), date(2026, 11, 27)),
        (datetime(2026, 11, 28, 18, 59, 59, tzinfo=UTC), date(2026, 11, 27)),
        (datetime(2026, 11, 28, 19, 0, tzinfo=UTC), None),
    ],
    ids=["before", "hour", "late", "midnight"],
)
def test_digest_of_yesterday_is_due_from_its_local_hour_to_midnight(
    now: datetime, day: date | None
) -> None:
    assert due_day(subscription(time(8, 0)), now) == day


def test_digest_at_an_hour_that_the_clocks_skip_is_due_when_they_have() -> None:
    # In Berlin, 2:00 to 3:00 did not exist on 29 March 2026.
    skipped = subscription(time(2, 30), "Europe/Berlin")
    assert due_day(skipped, datetime(2026, 3, 29, 0, 59, tzinfo=UTC)) is None
    assert due_day(skipped, datetime(2026, 3, 29, 1, 0, tzinfo=UTC)) == date(2026, 3, 28)


def test_subscription_without_an_hour_has_no_digest() -> None:
    assert due_day(subscription(None), datetime(2026, 11, 28, 12, tzinfo=UTC)) is None
