"""What the demo says to whoever runs it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mostread.devstack.data_dir import DataFolder
from mostread.devstack.demo.api import MostRead
from mostread.devstack.demo.scenario import HOUR_MS, Article, CountedArticle, Counts
from mostread.devstack.ports import Ports


def table(
    articles: Sequence[CountedArticle], listed: MostRead, totals: Mapping[str, Counts]
) -> Iterator[str]:
    """Yield the lines of the list: the ten in its order, those that left it at the end."""
    items = {item.article_id: item for item in listed.items}
    yield "rank  in 24 h  views  comments  likes  headline"

    def rank(article: CountedArticle) -> int:
        item = items.get(article.article_id)
        return item.rank if item else len(listed.items) + 1

    for article in sorted(articles, key=rank):
        item, total = items.get(article.article_id), totals[article.article_id]
        place, recent = (item.rank, item.window.views) if item else ("-", "-")
        yield (
            f"{place:>4}  {recent:>7}  {total.views:>5}  {total.comments:>8}  {total.likes:>5}  "
            f"{article.title}"
        )


def verdict(
    articles: Sequence[CountedArticle], in_window: Mapping[str, Counts], age_ms: int
) -> str:
    """Say what was found right; `age_ms` is how long ago the demo was loaded."""
    if all(in_window.get(article.article_id) == article.recent for article in articles):
        return "The list is exactly as expected: order, counts in 24 hours, and totals."
    hours = age_ms / HOUR_MS
    return (
        f"The totals are exactly as expected. The demo was loaded {hours:.1f} hours ago, so "
        "readers have left the last 24 hours; what the list still holds of them is exact."
    )


def farewell(ports: Ports, data: Path, further: Article, *, readers: bool) -> Iterator[str]:
    """Yield how to go on: what to open, what to try, how to stop."""
    yield f"Open                http://127.0.0.1:{ports.ranking}/"
    yield f"Hide and pin there  with the token in {DataFolder(data).editor_token}"
    yield (
        f"Send an event       curl http://127.0.0.1:{ports.collector}/v1/events "
        f'-d \'{{"type": "view", "article_id": "{further.article_id}"}}\''
    )
    yield f"Ask for the list    curl 'http://127.0.0.1:{ports.ranking}/v1/most-read?window=1h'"
    if readers:
        yield "Simulated readers   read thirty further articles; see them rise in the last hour"
    # As it was called: in a checkout, `mostread` is in .venv/bin and not on the path.
    program = sys.argv[0] if Path(sys.argv[0]).name == "mostread" else "python -m mostread"
    yield f"Stop with Ctrl-C or `{program} down --data {data}`."
