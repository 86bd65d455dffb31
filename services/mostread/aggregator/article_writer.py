"""From the articles topic into the tables of articles and of editors' decisions."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from mostread.aggregator.dead_letter_writer import DeadLetters
from mostread.aggregator.repository import ClickHouseStore
from mostread.aggregator.retry import Patience
from mostread.core.editorial.articles import ArticleRow
from mostread.core.editorial.placements import PlacementRow
from mostread.core.editorial.records import decode_change
from mostread.core.records import DeadLine
from mostread.errors import InvalidEvent
from mostread.infra.logging import get_logger

log = get_logger(__name__)


class ArticleWriter:
    """Writes what is said as it comes. A row written twice changes nothing."""

    def __init__(
        self,
        topic: str,
        *,
        store: ClickHouseStore,
        dead_letters: DeadLetters,
        patience: Patience,
    ) -> None:
        self._topic = topic
        self._store = store
        self._dead_letters = dead_letters
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="articles")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def write(
        self, partition: int, records: Sequence[Any], still_ours: Callable[[], bool]
    ) -> None:
        """Write what `records` say; return when it is in the store.

        Raises SupersededError when the partition went to another worker meanwhile.
        """
        rows: list[ArticleRow | PlacementRow] = []
        dead: list[tuple[int, DeadLine]] = []
        for record in records:
            try:
                rows.append(
                    decode_change(
                        record.key, record.value, timestamp=record.timestamp, offset=record.offset
                    )
                )
            except InvalidEvent as error:
                raw = record.value or record.key or b""
                line = DeadLine(record.offset, record.timestamp, 0, str(error), raw)
                dead.append((partition, line))
        if dead:
            await self._patience.in_thread(
                "kafka",
                self._thread,
                partial(self._dead_letters.write, self._topic, dead),
                still_ours=still_ours,
            )
        await self._patience.in_thread(
            "clickhouse", self._thread, partial(self._write, rows), still_ours=still_ours
        )

    def _write(self, rows: Sequence[ArticleRow | PlacementRow]) -> None:
        articles = [row for row in rows if isinstance(row, ArticleRow)]
        placements = [row for row in rows if isinstance(row, PlacementRow)]
        self._store.write_articles(articles)
        self._store.write_placements(placements)
