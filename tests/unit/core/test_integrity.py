"""Integrity of articles: which are suspicious, and which are quarantined."""

from datetime import UTC, datetime, timedelta

import pytest

from mostread.core.ranking.integrity import IntegrityPolicy, VisitorsRow, visitor_hours
from mostread.core.ranking.windows import HOUR, Window

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
PUSHED = VisitorsRow("a", views=200, busiest=150, visitors=40)
READ = VisitorsRow("a", views=200, busiest=20, visitors=150)


def test_article_without_sampled_views_has_no_integrity() -> None:
    assert IntegrityPolicy().assess(None, 10, approved=False, pinned=False) is None


@pytest.mark.parametrize(("row", "suspicious"), [(PUSHED, True), (READ, False)])
def test_article_is_suspicious_above_share_of_busiest_visitors(
    row: VisitorsRow, suspicious: bool
) -> None:
    integrity = IntegrityPolicy().assess(row, 1000, approved=False, pinned=False)
    assert integrity is not None
    assert integrity.suspicious is suspicious
    assert integrity.top_share == row.busiest / row.views
    assert not integrity.quarantined, "without the setting nothing is quarantined"


def test_article_below_min_views_is_not_suspicious() -> None:
    policy = IntegrityPolicy(min_views=201)
    integrity = policy.assess(PUSHED, 1000, approved=False, pinned=False)
    assert integrity is not None
    assert not integrity.suspicious


@pytest.mark.parametrize(
    ("approved", "pinned", "quarantined"),
    [(False, False, True), (True, False, False), (False, True, False)],
)
def test_suspicious_article_is_quarantined_unless_editor_approves_or_pins(
    approved: bool, pinned: bool, quarantined: bool
) -> None:
    policy = IntegrityPolicy(quarantine=True)
    assert policy.quarantines
    integrity = policy.assess(PUSHED, 1000, approved=approved, pinned=pinned)
    assert integrity is not None
    assert integrity.quarantined is quarantined


@pytest.mark.parametrize(("views", "quarantined"), [(259, True), (260, False)])
def test_each_view_outside_sample_counts_as_visitor(views: int, quarantined: bool) -> None:
    policy = IntegrityPolicy(min_visitors=100)
    assert policy.quarantines
    integrity = policy.assess(PUSHED, views, approved=False, pinned=False)
    assert integrity is not None
    assert integrity.quarantined is quarantined


def test_article_with_few_views_and_no_sample_is_quarantined() -> None:
    policy = IntegrityPolicy(min_visitors=100)
    integrity = policy.assess(None, 10, approved=False, pinned=False)
    assert integrity is not None
    assert integrity.quarantined
    assert integrity.top_share == 0.0


@pytest.mark.parametrize(
    ("start", "first"),
    [
        (NOW - timedelta(minutes=70), datetime(2026, 11, 23, 12, tzinfo=UTC)),
        (NOW - timedelta(days=30), datetime(2026, 11, 16, 14, tzinfo=UTC)),
    ],
)
def test_visitor_hours_are_whole_and_within_a_week(start: datetime, first: datetime) -> None:
    assert visitor_hours(Window("any", start, NOW), NOW) == (first, NOW + HOUR)
