"""Queries and inserts of the aggregator in ClickHouse."""

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.insert import InsertContext

from mostread.aggregator.lookup import (
    KEYS_PER_QUERY,
    LOOKUP,
    MIN_KEYS_PER_QUERY,
    lookup_query,
)
from mostread.core.counting import RULES_VERSION
from mostread.core.counting.batch import Outcomes
from mostread.core.counting.counters import Counter, CounterKey, Grain
from mostread.core.counting.partition import Checkpoint
from mostread.core.counting.visitor_sketch import Sketch, SketchKey
from mostread.core.editorial.articles import ArticleRow
from mostread.core.editorial.placements import PlacementRow
from mostread.core.exclusions import Exclusion, in_effect
from mostread.core.skipped import SkippedRange
from mostread.errors import (
    ClickHouseUnavailable,
    Misconfigured,
    MostreadError,
    QueryTooLarge,
    SchemaTooNew,
)
from mostread.infra.clickhouse.client import READ_ONLY, read_sql, translate_errors
from mostread.infra.clickhouse.exclusions import read_exclusions
from mostread.infra.clickhouse.migrations import applied_migrations, check_applied
from mostread.infra.clickhouse.skipped_ranges import read_skipped_ranges, write_skipped_range
from mostread.infra.kafka.topics import Topic

_SQL = Path(__file__).parent / "sql"
NO_PARTITION = 2**32 - 1
"""Partition of the row that marks the end of a complete response."""

OnInsert = Callable[[str, int, float], None]
"""Callback for each acknowledged insert: table, rows, seconds."""

# Acknowledged means written, whatever the server's profile says.
SYNCHRONOUS = {"async_insert": 0}
_counter_row_decoder = msgspec.json.Decoder(tuple[int, str, Grain, int, str, int, int, int, int])


@dataclass(frozen=True)
class Epoch:
    """A topic and the tables that it is counted into.

    `number` is the number of rebuilds before these tables, which count without the events of
    `exclusions`. An epoch ends when the topic is recreated or `mostread rebuild` exchanges the
    tables: counts of the old ones do not apply to the new ones.
    """

    topic: Topic
    number: int
    exclusions: tuple[Exclusion, ...] = ()


class CounterRow(NamedTuple):
    """Counter of one partition."""

    partition: int
    key: CounterKey
    counter: Counter


class SketchRow(NamedTuple):
    """Visitor sketch of one partition."""

    partition: int
    key: SketchKey
    sketch: Sketch


class CheckpointRow(NamedTuple):
    """Checkpoint of a partition; every event received up to `watermark` (ms) is counted."""

    partition: int
    checkpoint: Checkpoint
    watermark: int


class CounterRepository:
    """Tables of counters, sketches, checkpoints and articles, for one thread at a time.

    All methods block, raise Unavailable or Misconfigured, and may be retried. The connection opens
    at the first call, and again after an error.
    """

    def __init__(
        self, connect: Callable[[], Client], on_insert: OnInsert = lambda *_: None
    ) -> None:
        self._connect = connect
        self._on_insert = on_insert
        self._client: Client | None = None
        self._inserts: dict[str, InsertContext] = {}
        self._keys_per_query = KEYS_PER_QUERY

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None
        self._inserts = {}

    def current_epoch(self, topic: Topic) -> Epoch:
        """Return the current epoch of `topic`.

        Raises SchemaTooNew if the tables belong to a newer version of mostread.
        """
        with self._connected() as client:
            check_applied(applied_migrations(client))
        epochs = {table: int(number) for _, table, number in self._query("epochs", {})}
        if len(epochs) != 2:
            raise Misconfigured("ClickHouse: a table is missing; run `mostread init`")
        if len(set(epochs.values())) != 1:
            raise ClickHouseUnavailable(
                "`mostread rebuild` is exchanging the tables; if it was interrupted, run it again"
            )
        number = epochs["counter_versions"]
        with self._connected() as client:
            return Epoch(topic, number, in_effect(read_exclusions(client), number))

    def checkpoints(
        self, epoch: Epoch, partitions: Container[int] | None = None
    ) -> dict[int, CheckpointRow]:
        """Return the checkpoint of each partition, without those that were never counted.

        Raises SchemaTooNew if newer rules have counted one of `partitions`, by default any.
        """
        rows = self._query("checkpoints", {"topic": str(epoch.topic.id)})
        for partition, rules in ((row[0], row[-1]) for row in rows):
            if rules > RULES_VERSION and (partitions is None or partition in partitions):
                raise SchemaTooNew(
                    f"partition {partition} is counted by rules {rules}, and this worker only "
                    f"knows rules up to {RULES_VERSION}; run the newer mostread"
                )
        return {
            number: CheckpointRow(
                number, Checkpoint(next_offset, record_time, Outcomes(*outcomes), lost), watermark
            )
            for number, next_offset, record_time, lost, watermark, *outcomes, _ in rows
        }

    def counters(self, epoch: Epoch, keys: Sequence[tuple[int, CounterKey]]) -> list[CounterRow]:
        """Return the counters of (partition, key) pairs, without those that do not exist.

        After a query that was too large, the next ones look up half as many keys.
        """
        counters: list[CounterRow] = []
        # Neighbours in the table, so that each query reads its own part of it.
        keys = sorted(keys, key=itemgetter(1))
        start = 0
        while start < len(keys):
            part = keys[start : start + self._keys_per_query]
            try:
                counters += self._look_up(epoch, part)
            except QueryTooLarge as error:
                if self._keys_per_query == MIN_KEYS_PER_QUERY:
                    raise QueryTooLarge(
                        f"a lookup of only {len(part)} counters exceeds a limit: {error}; raise "
                        "MOSTREAD_CLICKHOUSE_TIMEOUT_SECONDS, or give ClickHouse more memory"
                    ) from error
                self._keys_per_query = max(self._keys_per_query // 2, MIN_KEYS_PER_QUERY)
                raise
            start += len(part)
            self._keys_per_query = min(self._keys_per_query + MIN_KEYS_PER_QUERY, KEYS_PER_QUERY)
        return counters

    def _look_up(self, epoch: Epoch, keys: Sequence[tuple[int, CounterKey]]) -> list[CounterRow]:
        sql = lookup_query(epoch.topic.id, keys, NO_PARTITION)
        with self._connected() as client:
            response = client.raw_query(sql, settings=LOOKUP, fmt="JSONCompactEachRow")
        try:
            rows = _counter_row_decoder.decode_lines(response)
        except msgspec.DecodeError as error:
            # A query that fails after its first rows ends with the text of the error.
            end = response[-300:].decode(errors="replace")
            raise ClickHouseUnavailable(f"ClickHouse sent an incomplete response: {end}") from error
        if not rows or rows.pop()[0] != NO_PARTITION:
            raise ClickHouseUnavailable("ClickHouse sent an incomplete response")
        return [CounterRow(row[0], CounterKey(*row[1:5]), Counter(*row[5:])) for row in rows]

    def write_counters(self, epoch: Epoch, rows: Sequence[CounterRow]) -> None:
        """Write counters. Per key, the row with the highest version wins.

        Raises StaleEpoch, like `write_checkpoints`, once the tables belong to another epoch.
        """
        if not rows:
            return
        partitions, keys, counters = zip(*rows, strict=True)
        sites, grains, windows, articles = zip(*keys, strict=True)
        self._insert(
            "counter_versions",
            {
                "site": sites,
                "grain": grains,
                "window": windows,
                "article_id": articles,
                "topic_id": [epoch.topic.id] * len(rows),
                "partition": partitions,
                "epoch": [epoch.number] * len(rows),
                **_columns(("views", "comments", "likes", "version"), counters),
            },
        )

    def write_checkpoints(self, epoch: Epoch, rows: Sequence[CheckpointRow]) -> None:
        """Write checkpoints, after the counters of their partitions."""
        if not rows:
            return
        checkpoints = [row.checkpoint for row in rows]
        self._insert(
            "checkpoint_versions",
            {
                "topic": [epoch.topic.name] * len(rows),
                "topic_id": [epoch.topic.id] * len(rows),
                "partition": [row.partition for row in rows],
                "partitions": [epoch.topic.partitions] * len(rows),
                "epoch": [epoch.number] * len(rows),
                "next_offset": [checkpoint.next_offset for checkpoint in checkpoints],
                "lost": [checkpoint.lost for checkpoint in checkpoints],
                "record_time": [checkpoint.record_time for checkpoint in checkpoints],
                "watermark": [row.watermark for row in rows],
                "rules": [RULES_VERSION] * len(rows),
                **{
                    name: [getattr(checkpoint.outcomes, name) for checkpoint in checkpoints]
                    for name in vars(Outcomes())
                },
            },
        )

    def sketches(self, epoch: Epoch, since: Mapping[int, int]) -> list[SketchRow]:
        """Return stored sketches; `since` is the first hour (epoch seconds) by partition."""
        if not since:
            return []
        parameters = {
            "topic": str(epoch.topic.id),
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

    def write_sketches(self, epoch: Epoch, rows: Sequence[SketchRow]) -> None:
        """Write visitor sketches. Per sketch, the row with the highest version wins."""
        if not rows:
            return
        partitions, keys, sketches = zip(*rows, strict=True)
        self._insert(
            "visitor_sketches",
            {
                **_columns(("site", "article_id", "hour"), keys),
                "topic_id": [epoch.topic.id] * len(rows),
                "partition": partitions,
                "since": [sketch.since for sketch in sketches],
                "views": [sketch.views for sketch in sketches],
                "heaviest": [list(sketch.heaviest) for sketch in sketches],
                "heaviest_views": [list(sketch.heaviest.values()) for sketch in sketches],
                "lowest": [sketch.lowest for sketch in sketches],
                "version": [sketch.version for sketch in sketches],
            },
        )

    def skipped(self, topic_id: UUID, partition: int) -> list[SkippedRange]:
        """Return the ranges of a partition to pass without reading, sorted by offset."""
        with self._connected() as client:
            return read_skipped_ranges(client, topic_id).get(partition, [])

    def write_skipped(self, topic: Topic, skipped: SkippedRange) -> None:
        """Record a range that cannot be read, for all readers of the topic to pass."""
        with self._connected() as client:
            write_skipped_range(client, topic, skipped)

    def write_articles(self, rows: Sequence[ArticleRow]) -> None:
        """Write article metadata. Per article, the row with the highest version wins."""
        if rows:
            self._insert("article_versions", _columns(ArticleRow._fields, rows))

    def write_placements(self, rows: Sequence[PlacementRow]) -> None:
        """Write editorial decisions: first into the log, then as current decisions."""
        if rows:
            columns = _columns(PlacementRow._fields, rows)
            self._insert("placement_log", columns)
            self._insert("placement_versions", columns)

    def _query(self, name: str, parameters: dict[str, object]) -> Sequence[Sequence[Any]]:
        """Return the rows of sql/<name>.sql without the end marker of NO_PARTITION."""
        sql = read_sql(_SQL, name)
        parameters["no_partition"] = NO_PARTITION
        with self._connected() as client:
            rows: Sequence[Sequence[Any]] = client.query(
                sql, parameters=parameters, settings=READ_ONLY
            ).result_rows
            # A response that a broken proxy truncates in its header arrives as no rows at all,
            # which would mean "never counted".
            complete = [row for row in rows if row[0] != NO_PARTITION]
            if len(complete) != len(rows) - 1:
                raise ClickHouseUnavailable("ClickHouse sent an incomplete response")
            return complete

    def _insert(self, table: str, columns: Mapping[str, Sequence[object]]) -> None:
        with self._connected() as client:
            context = self._inserts.get(table)
            if context is None:
                context = client.create_insert_context(
                    table, column_names=list(columns), column_oriented=True, settings=SYNCHRONOUS
                )
                self._inserts[table] = context
            context.data = list(columns.values())
            began = time.perf_counter()
            client.insert(context=context)
        rows = len(next(iter(columns.values())))
        self._on_insert(table, rows, time.perf_counter() - began)

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            with translate_errors():
                if self._client is None:
                    self._client = self._connect()
                yield self._client
        except MostreadError:
            # The cached state of the connection, such as table columns, may be outdated.
            self.close()
            raise


def _columns(
    names: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> dict[str, Sequence[object]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True))
