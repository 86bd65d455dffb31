"""Write articles, aliases and decisions to ClickHouse, and delete forgotten ones."""

from collections.abc import Sequence
from concurrent.futures import Executor

from mostread.aggregator.alias_resolver import AliasResolver
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.dead_letter_writer import DeadLetterWriter
from mostread.aggregator.forgetter import Forgetter
from mostread.aggregator.repository import CounterRepository
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stopped import SKIPPED_BY
from mostread.aggregator.stream.assignment import KeyedRecord
from mostread.core.editorial.aliases import AliasRow
from mostread.core.editorial.articles import ArticleRow
from mostread.core.editorial.placements import PlacementRow
from mostread.core.editorial.records import ArticleForget, Change, decode_change
from mostread.core.records import DeadLine
from mostread.core.skipped import SkippedRange, skip_end
from mostread.errors import InvalidEvent, UnreadableBatch
from mostread.infra.kafka import topics
from mostread.infra.kafka.topics import Topic


class ArticleWriter:
    """Writes the articles topic to ClickHouse; writing a row twice changes nothing."""

    def __init__(
        self,
        settings: AggregatorSettings,
        *,
        repository: CounterRepository,
        forgetter: Forgetter,
        aliases: AliasResolver,
        dead_letters: DeadLetterWriter,
        retrier: Retrier,
        executor: Executor,
    ) -> None:
        """`executor` runs the blocking calls of the first four, in one thread."""
        self._settings = settings
        self._topic = settings.articles_topic
        self._repository = repository
        self._forgetter = forgetter
        self._aliases = aliases
        self._dead_letters = dead_letters
        self._retrier = retrier
        self._executor = executor

    async def write(self, partition: int, records: Sequence[KeyedRecord]) -> None:
        """Store the records of a partition; return once ClickHouse has them."""
        changes: list[Change] = []
        dead: list[tuple[int, DeadLine]] = []
        for record in records:
            try:
                changes.append(
                    decode_change(
                        record.key, record.value, timestamp=record.timestamp, offset=record.offset
                    )
                )
            except InvalidEvent as error:
                raw = record.value or record.key or b""
                line = DeadLine(record.offset, record.timestamp, 0, str(error), raw)
                dead.append((partition, line))
        if dead:
            await self._retrier.call_in_thread(
                "kafka",
                self._executor,
                self._dead_letters.write,
                self._topic,
                dead,
            )
        await self._retrier.call_in_thread("clickhouse", self._executor, self._write, changes)
        if any(isinstance(each, AliasRow) for each in changes):
            self._aliases.changed()

    async def skip_end(self, unreadable: UnreadableBatch, seconds: float) -> int:
        """Return where to read on: after the batch if it is skipped, else at it.

        `seconds` is how long the partition has waited there. After `aggregator_skip_after` this
        skips the batch itself, if its header says where it ends.
        """
        topic = await self._retrier.call_in_thread("kafka", self._executor, self._describe)
        offset, end = unreadable.offset, unreadable.next_offset
        if end is not None and 0 < self._settings.aggregator_skip_after <= seconds:
            skipped = SkippedRange(
                unreadable.partition, offset, end, offset, unreadable.reason, SKIPPED_BY
            )
            await self._retrier.call_in_thread(
                "clickhouse", self._executor, self._repository.write_skipped, topic, skipped
            )
        ranges = await self._retrier.call_in_thread(
            "clickhouse", self._executor, self._repository.skipped, topic.id, unreadable.partition
        )
        return skip_end(offset, ranges)

    def _describe(self) -> Topic:
        with topics.admin(self._settings) as client:
            return topics.describe(client, self._topic)

    def _write(self, changes: Sequence[Change]) -> None:
        articles = [each for each in changes if isinstance(each, ArticleRow)]
        placements = [each for each in changes if isinstance(each, PlacementRow)]
        forgets = [each for each in changes if isinstance(each, ArticleForget)]
        self._repository.write_articles(articles)
        self._repository.write_placements(placements)
        self._aliases.tables.write([each for each in changes if isinstance(each, AliasRow)])
        # Last: it deletes by version, and so nothing that was written after a forget.
        if forgets:
            self._forgetter.forget_descriptions(forgets)
