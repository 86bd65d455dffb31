"""The queries that analysts write first, and what they must return."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from mostread.infra.clickhouse.client import connect
from mostread.ops.audit.reference import Key, Numbers
from tests.support.system import System

QUERIES = {
    "all": "SELECT '', sum(views) FROM totals",
    "top": "SELECT article_id, views FROM totals ORDER BY views DESC, article_id LIMIT 10",
    "hours": "SELECT toString(hour), sum(views) FROM hours GROUP BY hour",
    "titles": "SELECT title, views FROM totals JOIN articles USING (site, article_id)",
    "sections": "SELECT concat(section, ' ', toString(day)), sum(views) FROM days"
    " LEFT JOIN articles USING (site, article_id) GROUP BY section, day",
}
Results = dict[str, dict[str, int]]


class Analyst:
    """Reads the views of a system in which each article has a title and one of three sections."""

    def __init__(self, system: System, articles: list[str]) -> None:
        self._settings = system.clickhouse
        self._section = {each: f"section-{n % 3}" for n, each in enumerate(articles)}
        self.results: list[Results] = []
        client = connect(self._settings)
        client.insert(
            "article_versions",
            [["default", each, f"T {each}", of] for each, of in self._section.items()],
            column_names=["site", "article_id", "title", "section"],
        )
        client.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Run all queries again and again, in a thread."""
        ending = threading.Event()
        thread = threading.Thread(target=self._read_until, args=(ending,))
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()

    def _read_until(self, ending: threading.Event) -> None:
        while not ending.is_set():
            self.results.append(self.read())
            time.sleep(0.05)

    def read(self) -> Results:
        client = connect(self._settings)
        try:
            return {name: dict(client.query(sql).result_rows) for name, sql in QUERIES.items()}
        finally:
            client.close()

    def expected(self, truth: Mapping[Key, Numbers]) -> Results:
        """Return the results for exact counters."""
        views: dict[str, Counter[str]] = {name: Counter() for name in QUERIES}
        totals: Counter[str] = Counter()
        for (_, grain, window, article), (number, *_) in truth.items():
            start = datetime.fromtimestamp(window, UTC)
            if grain == "total":
                totals[article] += number
                views["all"][""] += number
                views["titles"][f"T {article}"] += number
            elif grain == "hour":
                views["hours"][f"{start:%Y-%m-%d %H:%M:%S}"] += number
                views["sections"][f"{self._section[article]} {start:%Y-%m-%d}"] += number
        first = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:10]
        return {**{name: dict(each) for name, each in views.items()}, "top": dict(first)}


def falling(results: list[Results]) -> list[Any]:
    """Return the numbers that became smaller from one result to the next."""
    return [
        (name, key, number, after[name][key])
        for before, after in pairwise(results)
        for name, numbers in before.items()
        for key, number in numbers.items()
        if after[name].get(key, number) < number
    ]
