"""Compare the list with the expected one: pure functions."""

from collections.abc import Iterator, Mapping, Sequence

from mostread.core.events import Event
from mostread.devstack.demo import scenario
from mostread.devstack.demo.api import LIMIT, DemoRanking
from mostread.devstack.demo.scenario import CountedArticle, DemoCounts

NOTHING = DemoCounts()


def expected(events: Sequence[Event], ranking: DemoRanking) -> dict[str, DemoCounts]:
    """Return the expected counts in the list's window, by article; without zero counts."""
    start, end = (
        round(edge.timestamp() * 1000) for edge in (ranking.window.start, ranking.window.end)
    )
    return scenario.counted(events, start, end)


def differences(
    articles: Sequence[CountedArticle],
    ranking: DemoRanking,
    in_window: Mapping[str, DemoCounts],
    totals: Mapping[str, DemoCounts],
) -> Iterator[str]:
    """Yield a line per difference.

    The list may contain other articles too, which do not change the order of the ten. `totals`
    are lifetime counts of the ten by id, ranking or not.
    """
    items = {item.article_id: item for item in ranking.items}
    full = len(ranking.items) == LIMIT
    lowest = ranking.items[-1].window.views if full else 0
    for article in articles:
        name, wanted = article.article_id, in_window.get(article.article_id, NOTHING)
        if totals[name] != article.total:
            yield f"{name}: {_format(totals[name])} in total, expected {_format(article.total)}"
        item = items.get(name)
        if item is None:
            if wanted.views > lowest:
                yield f"{name}: not in the list, expected with {_format(wanted)} in 24 hours"
            continue
        if item.window != wanted:
            yield f"{name}: {_format(item.window)} in 24 hours, expected {_format(wanted)}"
        if item.title != article.title:
            yield f"{name}: headline {item.title!r}, expected {article.title!r}"
    order = [item.article_id for item in ranking.items if item.article_id in totals]
    if order != (wanted_order := [name for name in _order(articles, in_window) if name in items]):
        yield f"the order is {', '.join(order)}; expected {', '.join(wanted_order)}"


def _order(articles: Sequence[CountedArticle], in_window: Mapping[str, DemoCounts]) -> list[str]:
    """Return the ids by views in the window; ties go to the newer article."""

    def sort_key(article: CountedArticle) -> tuple[int, int, str]:
        views = in_window.get(article.article_id, NOTHING).views
        return -views, article.published_hours_before, article.article_id

    return [article.article_id for article in sorted(articles, key=sort_key)]


def _format(counts: DemoCounts) -> str:
    return f"{counts.views}/{counts.comments}/{counts.likes}"
