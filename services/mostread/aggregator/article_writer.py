"""Write articles and editorial decisions to ClickHouse."""

from collections.abc import Sequence
from concurrent.futures import Executor

from mostread.aggregator.dead_letter_writer import DeadLetterWriter
from mostread.aggregator.repository import CounterRepository
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stream.assignment import Message
from mostread.core.editorial.articles import ArticleRow
from mostread.core.editorial.placements import PlacementRow
from mostread.core.editorial.records import decode_change
from mostread.core.records import DeadLine
from mostread.errors import InvalidEvent


class ArticleWriter:
    """Writes the articles topic to ClickHouse; writing a row twice changes nothing."""

    def __init__(
        self,
        topic: str,
        *,
        repository: CounterRepository,
        dead_letters: DeadLetterWriter,
        retrier: Retrier,
        executor: Executor,
    ) -> None:
        """`executor` runs blocking calls of `repository` and `dead_letters`, in one thread."""
        self._topic = topic
        self._repository = repository
        self._dead_letters = dead_letters
        self._retrier = retrier
        self._executor = executor

    async def write(self, message: Message) -> None:
        """Store the message's records. Raises SupersededError."""
        rows: list[ArticleRow | PlacementRow] = []
        dead: list[tuple[int, DeadLine]] = []
        for record in message.records:
            try:
                rows.append(
                    decode_change(
                        record.key, record.value, timestamp=record.timestamp, offset=record.offset
                    )
                )
            except InvalidEvent as error:
                raw = record.value or record.key or b""
                line = DeadLine(record.offset, record.timestamp, 0, str(error), raw)
                dead.append((message.partition, line))
        if dead:
            await self._retrier.call_in_thread(
                "kafka",
                self._executor,
                self._dead_letters.write,
                self._topic,
                dead,
                assignment=message.assignment,
            )
        await self._retrier.call_in_thread(
            "clickhouse", self._executor, self._write, rows, assignment=message.assignment
        )

    def _write(self, rows: Sequence[ArticleRow | PlacementRow]) -> None:
        articles = [row for row in rows if isinstance(row, ArticleRow)]
        placements = [row for row in rows if isinstance(row, PlacementRow)]
        self._repository.write_articles(articles)
        self._repository.write_placements(placements)
