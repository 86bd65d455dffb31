"""Alerts: rises, falls, marked."""

from typing import Any

from mostread.core.ranking.integrity import Integrity
from mostread.core.ranking.trends import MIN_EXPECTED
from mostread.ops.notify.alerts import (
    MAX_ALERTS,
    Lists,
    find_alerts,
    subject_of,
    unreported,
)
from mostread.ops.notify.messages import Alert, Story
from mostread.ops.notify.ranking import Item, Trend
from mostread.ops.notify.state import TopStory
from mostread.ops.notify.subscriptions import Subscription
from mostread.ranking.repository import Counts

URL = "https://mostread.example/"
SUBSCRIPTION = Subscription(
    name="desk",
    alerts=frozenset(("rises", "falls", "marked")),
    top=3,
    slack="https://hooks.example/x",
)


def item(article_id: str, rank: int, before: int | None, **fields: Any) -> Item:
    values = {"window": Counts(100 - rank, 0, 0), "integrity": None, **fields}
    return Item(rank, before, article_id, f"Title of {article_id}", None, "City", **values)


def remembered(**ranks: int) -> dict[str, TopStory]:
    return {
        article_id: TopStory(Story(article_id, f"Title of {article_id}", None, None, URL), rank)
        for article_id, rank in ranks.items()
    }


def find(
    lists: Lists, known: dict[str, TopStory] | None = None, withdrawn: tuple[str, ...] = ()
) -> list[tuple[str, str, int | None, int | None]]:
    return [
        (each.kind, each.story.article_id, each.rank, each.previous_rank)
        for each in find_alerts(SUBSCRIPTION, lists, known or {}, withdrawn, URL)
    ]


def test_article_rises_when_it_was_outside_the_top_an_hour_ago() -> None:
    listed = [item("a", 1, 2), item("b", 2, None), item("c", 3, 14), item("d", 4, 60)]
    assert find(Lists(listed)) == [("rises", "b", 2, None), ("rises", "c", 3, 14)]


def test_article_that_was_in_the_top_within_the_hour_does_not_rise_again() -> None:
    listed = [item("c", 3, 14)]
    assert find(Lists(listed), remembered(c=3)) == []


def test_article_falls_from_its_rank_an_hour_ago_or_else_when_last_seen() -> None:
    listed = [item("a", 4, 1), item("b", 5, 9), item("c", 1, 1)]
    known = remembered(a=3, b=2, c=1, d=3)
    assert find(Lists(listed), known) == [
        ("falls", "a", 4, 1),
        ("falls", "b", 5, 2),
        ("falls", "d", None, 3),
    ]


def test_article_that_an_editor_withdrew_does_not_fall() -> None:
    assert find(Lists([]), remembered(a=1), withdrawn=("a",)) == []


def test_article_with_unusual_views_rises_once_with_both_reasons() -> None:
    surging = [
        item("b", 1, None, trend=Trend(500, 119.0, 4.2)),
        item("elsewhere", 2, None, trend=Trend(100, 25.0, 4.0)),
        item("few", 3, None, trend=Trend(99, 1.98, 50.0)),
        item("usual", 4, None, trend=Trend(9000, 2307.7, 3.9)),
    ]
    alerts = find_alerts(SUBSCRIPTION, Lists([item("b", 2, None)], surging), {}, (), URL)
    assert [(each.story.article_id, each.rank, each.times) for each in alerts] == [
        ("b", 2, 4.2),
        ("elsewhere", None, 4.0),
    ]
    assert (alerts[1].views, alerts[1].window) == (100, "1h")


def test_article_without_usual_views_rises_without_a_multiple() -> None:
    surging = [item("first", 1, None, trend=Trend(559, MIN_EXPECTED, 559.0))]
    [alert] = find_alerts(SUBSCRIPTION, Lists([], surging), {}, (), URL)
    assert (alert.story.article_id, alert.views, alert.times) == ("first", 559, None)


def test_suspicious_article_is_marked_until_an_editor_approves_it() -> None:
    def visitors(*, suspicious: bool, approved: bool) -> Integrity:
        return Integrity(640, 90, 0.81, suspicious, approved, quarantined=False)

    listed = [
        item("a", 1, 1, integrity=visitors(suspicious=True, approved=False)),
        item("b", 2, 2, integrity=visitors(suspicious=True, approved=True)),
        item("c", 3, 3, integrity=visitors(suspicious=False, approved=False)),
        item("d", 4, 4),
    ]
    (alert,) = find_alerts(SUBSCRIPTION, Lists(visitors=listed), {}, (), URL)
    assert (alert.kind, alert.story.article_id, alert.top_share) == ("marked", "a", 0.81)
    assert alert.story.page == f"{URL}articles/a?site=default&lang=en"


def test_alert_is_reported_once_per_kind_and_article() -> None:
    story = Story("a", "A", None, None, URL)
    rises, falls = Alert("rises", story, 1, "1h"), Alert("falls", story, 1, "1h")
    assert unreported([rises, falls], {subject_of(rises)}) == [falls]


def test_alerts_beyond_the_limit_wait_for_the_next_look() -> None:
    alerts = [
        Alert("rises", Story(str(n), "A", None, None, URL), 1, "1h") for n in range(MAX_ALERTS + 5)
    ]
    first = unreported(alerts, set())
    assert first == alerts[:MAX_ALERTS]
    assert unreported(alerts, {subject_of(each) for each in first}) == alerts[MAX_ALERTS:]
