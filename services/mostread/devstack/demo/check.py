"""Holding the list against what must be in it: a pure function of the two."""

from collections.abc import Iterator, Mapping, Sequence

from mostread.core.events import Event
from mostread.devstack.demo import scenario as plan
from mostread.devstack.demo.api import LIMIT, MostRead
from mostread.devstack.demo.scenario import CountedArticle, Counts

NOTHING = Counts()


def expected(planned: Sequence[Event], listed: MostRead) -> dict[str, Counts]:
    """Return what the list's window must hold of the demo, by article; none without a count."""
    start, end = (
        round(edge.timestamp() * 1000) for edge in (listed.window.start, listed.window.end)
    )
    return plan.counted(planned, start, end)


def differences(
    articles: Sequence[CountedArticle],
    listed: MostRead,
    in_window: Mapping[str, Counts],
    totals: Mapping[str, Counts],
) -> Iterator[str]:
    """Yield a sentence for whatever is not as it must be.

    Articles beside those of the demo may be in the list too; they move none of its ten out of
    order. `totals` are lifetime counts of the ten by id, in the list or not.
    """
    items = {item.article_id: item for item in listed.items}
    full = len(listed.items) == LIMIT
    least = listed.items[-1].window.views if full else 0
    for article in articles:
        name, wanted = article.article_id, in_window.get(article.article_id, NOTHING)
        if totals[name] != article.total:
            yield f"{name}: {_said(totals[name])} in all, and not {_said(article.total)}"
        item = items.get(name)
        if item is None:
            if wanted.views > least:
                yield f"{name}: not in the list, with {_said(wanted)} in 24 hours"
            continue
        if item.window != wanted:
            yield f"{name}: {_said(item.window)} in 24 hours, and not {_said(wanted)}"
        if item.title != article.title:
            yield f"{name}: its headline is {item.title!r}, and not {article.title!r}"
    found = [item.article_id for item in listed.items if item.article_id in totals]
    if found != (order := [name for name in _order(articles, in_window) if name in items]):
        yield f"the order is {', '.join(found)}; it should be {', '.join(order)}"


def _order(articles: Sequence[CountedArticle], in_window: Mapping[str, Counts]) -> list[str]:
    """Return the ids by views in the window; between equals, the newer article comes first."""

    def place(article: CountedArticle) -> tuple[int, int, str]:
        views = in_window.get(article.article_id, NOTHING).views
        return -views, article.published_hours_before, article.article_id

    return [article.article_id for article in sorted(articles, key=place)]


def _said(counts: Counts) -> str:
    return f"{counts.views}/{counts.comments}/{counts.likes}"
