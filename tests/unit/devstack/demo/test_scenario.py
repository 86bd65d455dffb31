"""The demo's events: the same totals, windows and order at any load time."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from mostread.core.events import Event
from mostread.core.ranking.windows import resolve
from mostread.devstack.demo import scenario
from mostread.devstack.demo.scenario import HOUR_MS, DemoCounts, load_articles

TABLE = "3925/2/37 3363/0/12 3585/0/13 3041/3/9 2673/1/63 2805/4/39 2797/1/35 2848/19/140 2836/1/8 2688/8/33"  # fmt: skip  # noqa: E501
TEN = load_articles().counted
DAY_MS = 24 * HOUR_MS
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)

loads = st.integers(1_700_000_000_000, 4_000_000_000_000) | st.sampled_from(
    [int((MIDNIGHT + timedelta(milliseconds=ms)).timestamp() * 1000) for ms in (-1, 0, 1, 59_999)]
)
some = settings(max_examples=10, deadline=None)


def list_of(at_ms: int, now_ms: int) -> list[tuple[str, DemoCounts]]:
    window = resolve("24h", datetime.fromtimestamp(now_ms / 1000, UTC))
    start, end = (int(edge.timestamp() * 1000) for edge in (window.start, window.end))
    counts = scenario.counted(scenario.events(TEN, at_ms), start, end)
    return sorted(counts.items(), key=lambda item: -item[1].views)


@some
@given(loads)
def test_totals_match_the_table(at_ms: int) -> None:
    events = scenario.events(TEN, at_ms)
    counts = Counter((event.article_id, event.type) for event in events)
    assert [
        "/".join(str(counts[article.article_id, kind]) for kind in ("view", "comment", "like"))
        for article in TEN
    ] == TABLE.split()
    assert len({event.id for event in events}) == len(events)


@some
# Not the last minute of the hour: a window begins with a whole minute.
@given(loads, st.integers(0, HOUR_MS - 60_000))
def test_list_keeps_the_order_of_the_table_for_an_hour(at_ms: int, later_ms: int) -> None:
    listed = list_of(at_ms, at_ms + later_ms)
    assert listed == [(article.article_id, article.recent) for article in TEN]
    views = [counts.views for _, counts in listed]
    assert views == sorted(set(views), reverse=True)


@some
@given(loads)
def test_events_are_clearly_recent_or_clearly_late(at_ms: int) -> None:
    published = {a.article_id: at_ms - a.published_hours_before * HOUR_MS for a in TEN}
    for event in scenario.events(TEN, at_ms):
        assert event.timestamp is not None
        age = at_ms - event.timestamp
        assert 0 < age <= scenario.RECENT_HOURS * HOUR_MS or age >= scenario.LATE_HOURS * HOUR_MS
        assert event.timestamp >= published[event.article_id]


def test_one_article_is_pushed_by_few_visitors() -> None:
    at_ms = 1_800_000_000_000
    views: dict[str, Counter[str | None]] = {article.article_id: Counter() for article in TEN}
    for event in scenario.events(TEN, at_ms):
        if event.type == "view" and _is_recent(event, at_ms):
            views[event.article_id][event.visitor] += 1
    shares = {
        article_id: sum(times for _, times in by_visitor.most_common(10)) / by_visitor.total()
        for article_id, by_visitor in views.items()
    }
    assert None not in set().union(*views.values())
    [pushed] = [article for article in TEN if article.pushed_by]
    assert 0.65 < shares.pop(pushed.article_id) < 0.75
    assert max(shares.values()) < 0.02


def _is_recent(event: Event, at_ms: int) -> bool:
    return (
        event.timestamp is not None and at_ms - event.timestamp <= scenario.RECENT_HOURS * HOUR_MS
    )


def test_list_is_empty_a_day_after_the_load() -> None:
    at_ms = 1_800_000_000_000
    remaining = [
        sum(counts.views for _, counts in list_of(at_ms, at_ms + hours * HOUR_MS))
        for hours in (0, 6, 12, 24, 25)
    ]
    assert remaining == sorted(remaining, reverse=True)
    assert remaining[-2:] == [0, 0]


def test_events_are_reproducible_for_the_same_time() -> None:
    assert scenario.events(TEN, 1_800_000_000_000) == scenario.events(TEN, 1_800_000_000_000)


def test_loaded_at_inverts_the_publication_time() -> None:
    for article in load_articles().counted:
        published = article.description(1_800_000_000_123)["published_at"]
        assert scenario.loaded_at(article, int(published)) == 1_800_000_000_123


def test_articles_are_distinct_and_in_two_languages() -> None:
    articles = [*load_articles().counted, *load_articles().further]
    assert len({article.article_id for article in articles}) == len(articles) == 40
    assert len({article.title for article in articles}) == 40
    assert {article.language for article in TEN} == {"kk", "ru"}
    assert sum(not article.title[0].isalpha() and article.title[0] != "«" for article in TEN) >= 3
