"""Rules of retention."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.ops.backup.retention import PERIODS, kept, parse_rules

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)  # a Sunday
DAILY = [NOON - timedelta(days=days) for days in range(60)]


def ages(times: list[datetime], rules: str) -> list[int]:
    """Return how many days before NOON the kept backups are."""
    return sorted((NOON - time).days for time in kept(times, parse_rules(rules)))


def test_rules_keep_the_last_backup_of_each_period() -> None:
    assert ages(DAILY, "daily=3") == [0, 1, 2]
    # Sundays end the weeks.
    assert ages(DAILY, "weekly=3") == [0, 7, 14]
    assert ages(DAILY, "monthly=9") == [0, 29]
    assert ages(DAILY, "daily=2,weekly=3,monthly=2") == [0, 1, 7, 14, 29]


def test_last_backup_of_a_day_represents_it() -> None:
    hourly = [NOON - timedelta(hours=hours) for hours in range(48)]
    assert kept(hourly, {"daily": 2}) == {NOON, datetime(2026, 11, 28, 23, tzinfo=UTC)}
    assert kept(hourly, {"last": 3}) == set(hourly[:3])
    assert kept(hourly, {"hourly": 2}) == set(hourly[:2])


def test_gap_in_the_schedule_removes_nothing() -> None:
    old = [NOON - timedelta(days=days) for days in range(100, 107)]
    assert kept(old, {"daily": 7}) == set(old)


@given(
    times=st.lists(
        st.integers(0, 10 * 365 * 24).map(lambda hours: NOON - timedelta(hours=hours)), unique=True
    ),
    rules=st.dictionaries(st.sampled_from(sorted(PERIODS)), st.integers(1, 5), min_size=1),
)
def test_retention_keeps_the_newest_and_no_more_than_the_rules_allow(
    times: list[datetime], rules: dict[str, int]
) -> None:
    keep = kept(times, rules)
    assert keep <= set(times)
    assert len(keep) <= sum(rules.values())
    if times:
        assert max(times) in keep
        # Removing is final: another run removes nothing more.
        assert kept(sorted(keep), rules) == keep


@pytest.mark.parametrize(
    "text", ["", "daily", "daily=0", "daily=-1", "daily=7;weekly=4", "dayly=7"]
)
def test_invalid_rule_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="daily=7"):
        parse_rules(text)


def test_rules_may_have_spaces() -> None:
    assert parse_rules("daily=7, weekly=4") == {"daily": 7, "weekly": 4}
