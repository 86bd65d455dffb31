"""Simulated traffic: skewed, repeatable, with unique ids."""

from collections import Counter

from mostread.ops.loadgen.runner import LoadSummary, RejectedEvent, SendResult
from mostread.ops.loadgen.traffic import SimulatedTraffic, article_ids


def test_traffic_is_skewed_to_few_articles_and_mostly_views() -> None:
    events = SimulatedTraffic(article_ids(500), seed=1).events(20_000, 0)
    reads = [count for _, count in Counter(e.article_id for e in events).most_common()]
    assert sum(reads[:50]) > sum(reads[50:])
    types = Counter(e.type for e in events)
    assert types["view"] > 10 * types["like"] > types["comment"] > 0


def test_traffic_with_equal_seed_differs_only_in_ids() -> None:
    first, second = (SimulatedTraffic(article_ids(50), seed=7).events(100, 0) for _ in range(2))
    assert [(e.type, e.article_id, e.visitor) for e in first] == [
        (e.type, e.article_id, e.visitor) for e in second
    ]
    assert len({e.id for e in first + second}) == 200


def test_summary_counts_unanswered_events_as_never_acknowledged() -> None:
    events = SimulatedTraffic(["a"], seed=1).events(5, 0)
    summary = LoadSummary(sent=8)
    summary.acknowledged(events, SendResult(3, 1, [RejectedEvent(4, "schema", "")], attempts=3))
    assert summary.never_acknowledged == 3
    assert summary.retries == 2
    assert summary.by_type.total() == 4
    assert any(line.startswith("never acknowledged  3") for line in summary.lines(1.0))
