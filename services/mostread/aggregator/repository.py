"""Where counters are kept: what the aggregator asks of ClickHouse, and ClickHouse's answer."""

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.insert import InsertContext

from mostread.core.counting import RULES_VERSION
from mostread.core.counting.batch import Outcomes
from mostread.core.counting.counters import Counter, CounterKey, Grain
from mostread.core.counting.partition import Position
from mostread.core.counting.visitor_sketch import Sketch, SketchKey
from mostread.core.editorial.articles import ArticleRow
from mostread.core.editorial.placements import PlacementRow
from mostread.errors import ClickHouseUnavailable, Misconfigured, MostreadError, SchemaTooNew
from mostread.infra.clickhouse.client import read_sql, translate_errors
from mostread.infra.clickhouse.migrations import applied_migrations, check_applied
from mostread.infra.kafka.topics import Topic

_SQL = Path(__file__).parent / "sql"
KEYS_A_QUERY = 50_000
NO_PARTITION = 2**32 - 1
"""Stands in the row that shows an answer to be whole."""

Inserted = Callable[[str, int, float], None]
"""Told of each insert that succeeded: the table, how many rows, how many seconds."""

# Acknowledged means written, whatever the server's profile says.
_WRITTEN = {"async_insert": 0}
_LARGE_QUERY = {
    "max_query_size": 64 << 20,
    "max_ast_elements": 1_000_000,
    "output_format_json_quote_64bit_integers": 0,
}
_counter_rows = msgspec.json.Decoder(tuple[int, str, Grain, int, str, int, int, int, int])


@dataclass(frozen=True)
class Count:
    """One count of a log: `topic` into the tables of `epoch`, the number of their rebuilds.

    It ends when the topic is made again, or the tables are exchanged for rebuilt ones: what
    was counted by then says nothing of the others.
    """

    topic: Topic
    epoch: int


class CounterRow(NamedTuple):
    """A counter of one partition."""

    partition: int
    key: CounterKey
    counter: Counter


class SketchRow(NamedTuple):
    """Which visitors an article of one partition had in an hour."""

    partition: int
    key: SketchKey
    sketch: Sketch


class CheckpointRow(NamedTuple):
    """How far a partition is counted; every event received up to `watermark` (ms) is counted."""

    partition: int
    position: Position
    watermark: int


class ClickHouseStore:
    """The store in ClickHouse. One thread at a time.

    All methods block, and raise Unavailable or Misconfigured; each may be repeated. The
    connection is made when first needed, and again after an error.
    """

    def __init__(self, connect: Callable[[], Client], inserted: Inserted = lambda *_: None) -> None:
        self._connect = connect
        self._inserted = inserted
        self._client: Client | None = None
        self._inserts: dict[str, InsertContext] = {}

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None
        self._inserts = {}

    def current(self, topic: Topic) -> Count:
        """Return the count of `topic` that goes on just now.

        Raises SchemaTooNew where the tables are for a newer version than this.
        """
        with self._connected() as client:
            check_applied(applied_migrations(client))
        epochs = {table: int(number) for _, table, number in self._query("epochs", {})}
        if len(epochs) != 2:
            raise Misconfigured("ClickHouse: a table is missing; run `mostread init`")
        if len(set(epochs.values())) != 1:
            raise ClickHouseUnavailable(
                "`mostread rebuild` is exchanging the tables; if it was cut off, run it again"
            )
        return Count(topic, epochs["counters"])

    def positions(self, count: Count, ours: Container[int] | None = None) -> dict[int, Position]:
        """Return how far each partition is counted; none for one never counted.

        Raises SchemaTooNew where one of `ours`, by default any, was counted by newer rules.
        """
        rows = self._query("checkpoints", {"topic": str(count.topic.id)})
        for partition, rules in ((row[0], row[-1]) for row in rows):
            if rules > RULES_VERSION and (ours is None or partition in ours):
                raise SchemaTooNew(
                    f"partition {partition} is counted by rules {rules}, and this worker knows "
                    f"only those up to {RULES_VERSION}: a newer mostread has begun; run that one"
                )
        return {row[0]: Position(row[1], row[2], Outcomes(*row[3:-1])) for row in rows}

    def counters(self, count: Count, keys: Sequence[tuple[int, CounterKey]]) -> list[CounterRow]:
        """Return the counters of these (partition, key); one never written is left out."""
        found = []
        for start in range(0, len(keys), KEYS_A_QUERY):
            part = keys[start : start + KEYS_A_QUERY]
            sql = read_sql(_SQL, "counters").format(
                keys=_any_of(key for _, key in part),
                topic=count.topic.id,
                partitions=",".join(map(str, {partition for partition, _ in part})),
                no_partition=NO_PARTITION,
            )
            with self._connected() as client:
                # As it is: the driver's own binding takes longer than the server's answer.
                answer = client.raw_query(sql, settings=_LARGE_QUERY, fmt="JSONCompactEachRow")
            rows = _counter_rows.decode_lines(answer)
            if not rows or rows.pop()[0] != NO_PARTITION:
                raise ClickHouseUnavailable("ClickHouse's answer was cut off")
            found += [CounterRow(row[0], CounterKey(*row[1:5]), Counter(*row[5:])) for row in rows]
        return found

    def write_counters(self, count: Count, rows: Sequence[CounterRow]) -> None:
        """Write counters. Of one key's rows that with the highest version is right.

        Raises StaleEpoch, as `write_checkpoints` does, where `count` is over.
        """
        if not rows:
            return
        partitions, keys, counters = zip(*rows, strict=True)
        sites, grains, windows, articles = zip(*keys, strict=True)
        self._insert(
            "counters",
            {
                "site": sites,
                "grain": grains,
                "window": windows,
                "article_id": articles,
                "topic_id": [count.topic.id] * len(rows),
                "partition": partitions,
                "epoch": [count.epoch] * len(rows),
                **_columns(("views", "comments", "likes", "version"), counters),
            },
        )

    def write_checkpoints(self, count: Count, rows: Sequence[CheckpointRow]) -> None:
        """Write how far partitions are counted, after their counters."""
        if not rows:
            return
        positions = [row.position for row in rows]
        self._insert(
            "checkpoints",
            {
                "topic": [count.topic.name] * len(rows),
                "topic_id": [count.topic.id] * len(rows),
                "partition": [row.partition for row in rows],
                "partitions": [count.topic.partitions] * len(rows),
                "epoch": [count.epoch] * len(rows),
                "next_offset": [position.next_offset for position in positions],
                "record_time": [position.record_time for position in positions],
                "watermark": [row.watermark for row in rows],
                "rules": [RULES_VERSION] * len(rows),
                **{
                    name: [getattr(position.outcomes, name) for position in positions]
                    for name in ("received", "counted", "duplicate", "late", "dead_lettered")
                },
            },
        )

    def sketches(self, count: Count, since: Mapping[int, int]) -> list[SketchRow]:
        """Return what was written of the visitors of these partitions from an hour on, each."""
        if not since:
            return []
        parameters = {
            "topic": str(count.topic.id),
            "partitions": tuple(since),
            "since": min(since.values()),
        }
        return [
            SketchRow(
                number,
                SketchKey(site, article_id, hour),
                Sketch(offset, views, zip(heaviest, times, strict=True), lowest, version),
            )
            for number, site, article_id, hour, offset, views, heaviest, times, lowest, version in (
                self._query("visitor_sketches", parameters)
            )
            if hour >= since[number]
        ]

    def write_sketches(self, count: Count, rows: Sequence[SketchRow]) -> None:
        """Write which visitors articles had. Of one sketch's rows the highest version is right."""
        if not rows:
            return
        partitions, keys, sketches = zip(*rows, strict=True)
        self._insert(
            "visitors",
            {
                **_columns(("site", "article_id", "hour"), keys),
                "topic_id": [count.topic.id] * len(rows),
                "partition": partitions,
                "since": [sketch.since for sketch in sketches],
                "views": [sketch.views for sketch in sketches],
                "heaviest": [list(sketch.heaviest) for sketch in sketches],
                "heaviest_views": [list(sketch.heaviest.values()) for sketch in sketches],
                "lowest": [sketch.lowest for sketch in sketches],
                "version": [sketch.version for sketch in sketches],
            },
        )

    def write_articles(self, rows: Sequence[ArticleRow]) -> None:
        """Write what is known of articles. Of one article's rows the highest version is right."""
        if rows:
            self._insert("articles", _columns(ArticleRow._fields, rows))

    def write_placements(self, rows: Sequence[PlacementRow]) -> None:
        """Write what editors decided: into the log of all decisions, then as what stands."""
        if rows:
            columns = _columns(PlacementRow._fields, rows)
            self._insert("placement_log", columns)
            self._insert("placements", columns)

    def _query(self, name: str, parameters: dict[str, object]) -> Sequence[Sequence[Any]]:
        """Return the rows of queries/<name>.sql without the one of NO_PARTITION at its end."""
        sql = read_sql(_SQL, name)
        parameters["no_partition"] = NO_PARTITION
        with self._connected() as client:
            rows: Sequence[Sequence[Any]] = client.query(sql, parameters=parameters).result_rows
            # An answer that a broken proxy cuts off in its header arrives as no rows at all,
            # and that would mean "never counted".
            found = [row for row in rows if row[0] != NO_PARTITION]
            if len(found) != len(rows) - 1:
                raise ClickHouseUnavailable("ClickHouse's answer was cut off")
            return found

    def _insert(self, table: str, columns: Mapping[str, Sequence[object]]) -> None:
        with self._connected() as client:
            context = self._inserts.get(table)
            if context is None:
                context = client.create_insert_context(
                    table, column_names=list(columns), column_oriented=True, settings=_WRITTEN
                )
                self._inserts[table] = context
            context.data = list(columns.values())
            began = time.perf_counter()
            client.insert(context=context)
        rows = len(next(iter(columns.values())))
        self._inserted(table, rows, time.perf_counter() - began)

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            with translate_errors():
                if self._client is None:
                    self._client = self._connect()
                yield self._client
        except MostreadError:
            # What the connection believes, the columns of the tables among it, may be old.
            self.close()
            raise


def _any_of(keys: Iterable[CounterKey]) -> str:
    """Return a condition that holds for the rows of these keys.

    Keys of one window are named together: that is short, and leads the server to a range.
    """
    windows: dict[tuple[str, str, int], list[str]] = {}
    for site, grain, window, article_id in keys:
        windows.setdefault((site, grain, window), []).append(_quoted(article_id))
    return " OR ".join(
        f"(site = {_quoted(site)} AND grain = '{grain}' AND window = {window}"
        f" AND article_id IN ({','.join(articles)}))"
        for (site, grain, window), articles in windows.items()
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _columns(
    names: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> dict[str, Sequence[object]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True))
