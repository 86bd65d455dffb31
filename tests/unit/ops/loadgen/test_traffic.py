"""Simulated readers: skewed, repeatable, and never with an id of another run."""

from collections import Counter

from mostread.ops.loadgen.runner import Outcome, Rejected, Summary
from mostread.ops.loadgen.traffic import Traffic, article_ids


def test_few_articles_get_most_of_it_and_most_of_it_is_views() -> None:
    events = Traffic(article_ids(500), seed=1).events(20_000, 0)
    reads = [count for _, count in Counter(e.article_id for e in events).most_common()]
    assert sum(reads[:50]) > sum(reads[50:])
    types = Counter(e.type for e in events)
    assert types["view"] > 10 * types["like"] > types["comment"] > 0


def test_a_seed_repeats_everything_but_the_ids() -> None:
    first, second = (Traffic(article_ids(50), seed=7).events(100, 0) for _ in range(2))
    assert [(e.type, e.article_id, e.visitor) for e in first] == [
        (e.type, e.article_id, e.visitor) for e in second
    ]
    assert len({e.id for e in first + second}) == 200


def test_what_was_not_answered_was_never_acknowledged() -> None:
    events = Traffic(["a"], seed=1).events(5, 0)
    summary = Summary(sent=8)
    summary.acknowledged(events, Outcome(3, 1, [Rejected(4, "schema", "")], attempts=3))
    assert summary.never_acknowledged == 3
    assert summary.retries == 2
    assert summary.by_type.total() == 4
    assert any(line.startswith("never acknowledged  3") for line in summary.lines(1.0))
