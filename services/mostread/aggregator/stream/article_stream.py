"""The articles topic: a plain member of a consumer group of its own.

Its records cost little and its rows may be written twice, so it needs neither Faust nor
checkpoints. A failure here does not touch the counting, and each group rebalances alone.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import NoReturn, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stream import batches
from mostread.aggregator.stream.assignment import KeyedRecord
from mostread.aggregator.stream.event_topic import translate_aiokafka_error
from mostread.aggregator.stream.partition_reader import PartitionReader
from mostread.errors import UnreadableBatch
from mostread.infra.kafka.config import client_options
from mostread.infra.logging import get_logger

log = get_logger(__name__)

IDLE_SECONDS = 0.2
RETRY_SECONDS = 5.0


class ArticleHandler(Protocol):
    """Stores the records of the articles topic."""

    async def write(self, partition: int, records: Sequence[KeyedRecord]) -> None:
        """Store the records of a partition; return once ClickHouse has them."""
        ...

    async def skip_end(self, unreadable: UnreadableBatch) -> int:
        """Return where to read on: after the batch if an operator has skipped it, else at it."""
        ...


class ArticleStream:
    """Member of the articles' consumer group; it commits what the handler has stored."""

    def __init__(
        self,
        settings: AggregatorSettings,
        handler: ArticleHandler,
        *,
        retrier: Retrier,
        metrics: AggregatorMetrics,
    ) -> None:
        batches.install()
        self._settings = settings
        self._handler = handler
        self._retrier = retrier
        self._lag = metrics.articles_lag
        self._consumer: AIOKafkaConsumer | None = None
        self._reader: PartitionReader | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._retry_at: dict[TopicPartition, float] = {}

    async def run(self) -> NoReturn:
        """Store articles until cancelled. Nothing that fails here ends the worker."""
        try:
            while True:
                try:
                    await self._retrier.call("kafka", self._step)
                except Exception:
                    log.exception("articles_failed")
                    await self._close()
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._close()

    async def _step(self) -> None:
        """Store and commit one fetch of each partition."""
        try:
            consumer, reader = await self._connect()
            is_idle = True
            for tp in sorted(consumer.assignment()):
                records = await self._read(consumer, reader, tp)
                if records:
                    self._report_lag(consumer)
                    await self._handler.write(tp.partition, records)
                    is_idle = False
            await self._commit(consumer)
            if is_idle:
                await asyncio.sleep(IDLE_SECONDS)
        except (KafkaError, OSError) as error:
            await self._close()
            failure = f"cannot read {self._settings.articles_topic}"
            raise translate_aiokafka_error(error, self._settings, failure) from error

    async def _read(
        self, consumer: AIOKafkaConsumer, reader: PartitionReader, tp: TopicPartition
    ) -> Sequence[KeyedRecord]:
        """Return the next records of a partition.

        A batch that cannot be read stops its partition until it is skipped.
        """
        if time.monotonic() < self._retry_at.get(tp, 0):
            return []
        try:
            records = await reader.read(tp, timeout_ms=0)
            if records:
                self._retry_at.pop(tp, None)
        except IllegalStateError:  # it was revoked meanwhile
            return []
        except UnreadableBatch as unreadable:
            end = await self._handler.skip_end(unreadable)
            if end > unreadable.offset:
                log.warning("partition_resumed", topic=tp.topic, partition=tp.partition, offset=end)
                consumer.seek(tp, end)
            else:
                log.error("partition_stopped", topic=tp.topic, error=str(unreadable))
                self._retry_at[tp] = time.monotonic() + RETRY_SECONDS
            return []
        return records

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commit the positions, which also move over compacted and aborted records."""
        try:
            positions = {tp: await consumer.position(tp) for tp in consumer.assignment()}
            moved = dict(positions.items() - self._committed.items())
            if moved:
                await consumer.commit(moved)
        except (CommitFailedError, IllegalStateError):
            return  # the group rebalances; the next owner writes the same rows again
        self._committed = positions
        self._report_lag(consumer)

    def _report_lag(self, consumer: AIOKafkaConsumer) -> None:
        self._lag.clear()
        for tp in consumer.assignment() & self._committed.keys():
            committed = self._committed[tp]
            end = consumer.highwater(tp) or committed
            self._lag.labels(tp.partition).set(max(0, end - committed))

    async def _connect(self) -> tuple[AIOKafkaConsumer, PartitionReader]:
        if self._consumer is None or self._reader is None:
            session_ms = int(self._settings.aggregator_session_timeout_seconds * 1000)
            self._consumer = AIOKafkaConsumer(
                self._settings.articles_topic,
                **client_options(self._settings),
                group_id=self._settings.articles_group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                metadata_max_age_ms=10_000,
                session_timeout_ms=session_ms,
                heartbeat_interval_ms=session_ms // 6,
                # A long outage of ClickHouse must not end the membership.
                max_poll_interval_ms=30 * 86_400_000,
                rebalance_timeout_ms=max(session_ms, 30_000),
            )
            self._reader = PartitionReader(self._consumer)
            self._committed = {}
            await self._consumer.start()
        return self._consumer, self._reader

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
