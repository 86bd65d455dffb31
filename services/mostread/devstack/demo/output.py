"""The text that the demo prints."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mostread.devstack.data_dir import DataDir
from mostread.devstack.demo.api import DemoRanking
from mostread.devstack.demo.scenario import HOUR_MS, CountedArticle, DemoArticle, DemoCounts
from mostread.devstack.ports import Ports


def table(
    articles: Sequence[CountedArticle], ranking: DemoRanking, totals: Mapping[str, DemoCounts]
) -> Iterator[str]:
    """Yield the lines of the list, with articles that left it at the end."""
    items = {item.article_id: item for item in ranking.items}
    yield "rank  in 24 h  views  comments  likes  headline"

    def rank(article: CountedArticle) -> int:
        item = items.get(article.article_id)
        return item.rank if item else len(ranking.items) + 1

    for article in sorted(articles, key=rank):
        item, total = items.get(article.article_id), totals[article.article_id]
        position, recent = (item.rank, item.window.views) if item else ("-", "-")
        yield (
            f"{position:>4}  {recent:>7}  {total.views:>5}  {total.comments:>8}  "
            f"{total.likes:>5}  {article.title}"
        )


def summary(
    articles: Sequence[CountedArticle], in_window: Mapping[str, DemoCounts], age_ms: int
) -> str:
    """Return the result of a successful check; `age_ms` is the time since the load."""
    if all(in_window.get(article.article_id) == article.recent for article in articles):
        return "The list is exactly as expected: order, counts in 24 hours, and totals."
    hours = age_ms / HOUR_MS
    return (
        f"The totals are exactly as expected. The demo was loaded {hours:.1f} hours ago, so some "
        "views are older than 24 hours; the counts of the remaining ones are exact."
    )


def next_steps(ports: Ports, data: Path, article: DemoArticle, *, traffic: bool) -> Iterator[str]:
    """Yield what to open, what to try and how to stop."""
    yield f"Open                http://127.0.0.1:{ports.ranking}/"
    yield f"Hide and pin there  with the token in {DataDir(data).editor_token}"
    yield (
        f"Send an event       curl http://127.0.0.1:{ports.collector}/v1/events "
        f'-d \'{{"type": "view", "article_id": "{article.article_id}"}}\''
    )
    yield f"Get the list        curl 'http://127.0.0.1:{ports.ranking}/v1/most-read?window=1h'"
    if traffic:
        yield "Simulated readers   read thirty more articles, which rise in the last hour"
    # The command as it was called: in a checkout, `mostread` is in .venv/bin and not on PATH.
    program = sys.argv[0] if Path(sys.argv[0]).name == "mostread" else "python -m mostread"
    yield f"Stop with Ctrl-C or `{program} down --data {data}`."
