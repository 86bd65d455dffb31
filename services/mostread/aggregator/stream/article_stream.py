"""The articles topic: a plain member of a consumer group of its own.

Its records cost little and its rows may be written twice, so it needs neither Faust nor
checkpoints. A failure here does not touch the counting, and each group rebalances alone.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stream import batches
from mostread.aggregator.stream.assignment import KeyedRecord
from mostread.aggregator.stream.event_topic import translate_aiokafka_error
from mostread.aggregator.stream.fetch_errors import REFUSED_SECONDS, FetchError, FetchErrors
from mostread.aggregator.stream.membership import CHECK_SECONDS, has_new_partitions
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

    async def skip_end(self, unreadable: UnreadableBatch, seconds: float) -> int:
        """Return where to read on: after the batch if it is skipped, else at it.

        `seconds` is how long the partition has waited there.
        """
        ...


class _Stop(NamedTuple):
    """When a partition stopped, and when to try again (time.monotonic)."""

    since: float
    retry_at: float = 0


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
        self._metrics = metrics
        self._consumer: AIOKafkaConsumer | None = None
        self._reader: PartitionReader | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._stopped: dict[TopicPartition, _Stop] = {}
        self._errors: Mapping[TopicPartition, FetchError] = {}
        self._refused: set[TopicPartition] = set()
        self._check_at = time.monotonic() + CHECK_SECONDS

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
                    self._report(consumer)
                    await self._handler.write(tp.partition, records)
                    is_idle = False
            await self._commit(consumer)
            if time.monotonic() >= self._check_at:
                self._check_at = time.monotonic() + CHECK_SECONDS
                group, topic = self._settings.articles_group, self._settings.articles_topic
                if await has_new_partitions(self._settings, group, topic):
                    consumer._coordinator.request_rejoin()
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
        now = time.monotonic()
        stop = self._stopped.get(tp)
        if stop and now < stop.retry_at:
            return []
        try:
            records = await reader.read(tp, timeout_ms=0)
        except IllegalStateError:  # it was revoked meanwhile
            return []
        except UnreadableBatch as unreadable:
            stop = stop or _Stop(now)
            end = await self._handler.skip_end(unreadable, now - stop.since)
            if end == unreadable.offset:
                if tp not in self._stopped:
                    log.error(
                        "partition_stopped",
                        topic=tp.topic,
                        partition=tp.partition,
                        offset=unreadable.offset,
                        error=str(unreadable),
                    )
                self._stopped[tp] = _Stop(stop.since, now + RETRY_SECONDS)
                return []
            consumer.seek(tp, end)
            records = []
        else:
            if not records:
                return []
        if self._stopped.pop(tp, None):
            log.info("partition_resumed", topic=tp.topic, partition=tp.partition)
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
        self._report(consumer)

    def _report(self, consumer: AIOKafkaConsumer) -> None:
        assigned, lag = consumer.assignment(), self._metrics.articles_lag
        lag.clear()
        for tp in assigned & self._committed.keys():
            committed = self._committed[tp]
            end = consumer.highwater(tp) or committed
            lag.labels(tp.partition).set(max(0, end - committed))
        self._stopped = {tp: stop for tp, stop in self._stopped.items() if tp in assigned}
        before, lasting = self._refused, time.monotonic() - REFUSED_SECONDS
        errors = {tp: e for tp, e in self._errors.items() if tp in assigned and e.since < lasting}
        self._refused = set(errors)
        for tp in self._refused - before:
            error = f"its broker answers {errors[tp].name}; see the log of the broker"
            log.error("partition_stopped", topic=tp.topic, partition=tp.partition, error=error)
        self._metrics.report_stopped(
            self._settings.articles_topic,
            [tp.partition for tp in assigned],
            {tp.partition for tp in self._stopped.keys() | self._refused},
        )

    async def _connect(self) -> tuple[AIOKafkaConsumer, PartitionReader]:
        if self._consumer is None or self._reader is None:
            session_ms = int(self._settings.aggregator_session_timeout_seconds * 1000)
            self._consumer = AIOKafkaConsumer(
                self._settings.articles_topic,
                **client_options(self._settings),
                group_id=self._settings.articles_group,
                group_instance_id=self._settings.aggregator_instance_id or None,
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
            self._errors = FetchErrors(self._consumer)
            self._committed = {}
            await self._consumer.start()
        return self._consumer, self._reader

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
