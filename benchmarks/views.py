"""Measure the views for analysts beside the tables that they read."""

import time
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

ROUNDS = 5


class Pair(NamedTuple):
    """A query on a view, and on the table without the newest version, sums or exclusions.

    Where each row has a single version, as here, both results are the same.
    """

    view: str
    table: str


QUERIES = {
    "views of all time": Pair(
        "SELECT sum(views) FROM totals",
        "SELECT sum(views) FROM counter_versions WHERE grain = 'total'",
    ),
    "the ten most-read articles": Pair(
        "SELECT article_id, views FROM totals WHERE site = 'default'"
        " ORDER BY views DESC, article_id LIMIT 10",
        "SELECT article_id, views FROM counter_versions WHERE site = 'default' AND grain = 'total'"
        " ORDER BY views DESC, article_id LIMIT 10",
    ),
    "30 days by day": Pair(
        "SELECT day, sum(views) FROM days WHERE site = 'default' AND day > today() - 30"
        " GROUP BY day ORDER BY day",
        "SELECT toDate(window) AS day, sum(views) FROM counter_versions"
        " WHERE site = 'default' AND grain = 'hour' AND day > today() - 30"
        " GROUP BY day ORDER BY day",
    ),
    "30 days by day and section": Pair(
        "SELECT day, section, sum(views) FROM days LEFT JOIN articles USING (site, article_id)"
        " WHERE site = 'default' AND day > today() - 30"
        " GROUP BY day, section ORDER BY day, section",
        "SELECT toDate(window) AS day, section, sum(views) FROM counter_versions"
        " LEFT JOIN article_versions USING (site, article_id)"
        " WHERE site = 'default' AND grain = 'hour' AND day > today() - 30"
        " GROUP BY day, section ORDER BY day, section",
    ),
    "hours of one article": Pair(
        "SELECT hour, views FROM hours WHERE site = 'default' AND article_id = 'article-7'"
        " ORDER BY hour",
        "SELECT window, views FROM counter_versions WHERE site = 'default' AND grain = 'hour'"
        " AND article_id = 'article-7' ORDER BY window",
    ),
}


def measure(client: Client) -> dict[str, tuple[list[float], list[float]]]:
    """Return the milliseconds of each query on the view and on the table, in turn."""
    for pair in QUERIES.values():
        rows = client.query(pair.view).result_rows
        assert rows
        assert rows == client.query(pair.table).result_rows
    took: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in QUERIES}
    for _ in range(ROUNDS):
        for name, pair in QUERIES.items():
            for sql, into in zip(pair, took[name], strict=True):
                began = time.perf_counter()
                client.query(sql)
                into.append((time.perf_counter() - began) * 1000)
    return took
