"""Access to a topic outside the consumer group: id, offsets, past records."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownError,
)
from kafka import KafkaAdminClient

from mostread.aggregator.stream import batches
from mostread.aggregator.stream.fetch_errors import FetchErrors
from mostread.aggregator.stream.partition_reader import PartitionReader
from mostread.core.records import Record, clamp_times
from mostread.core.retention import DEDUP_REREAD_MS
from mostread.core.skipped import SkippedRange, readable_ranges
from mostread.errors import FetchRefused, KafkaUnavailable, LogInconsistent, MostreadError
from mostread.infra.kafka import topics
from mostread.infra.kafka.admin import check_aggregator_access
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.decompression import UnreadableError
from mostread.infra.kafka.errors import authentication_error, missing_right_error, translate_error

MAX_EMPTY_FETCHES = 10
"""Fetches that move nothing, one second each, before Kafka counts as unavailable."""

MAX_REFUSED_FETCHES = 2
"""Fetches that end with an error of the partition, before it counts as unreadable."""

PROBE_MS = 50
"""Time in which the broker answers a fetch at the end of a partition."""

MAX_REFUSED_PROBES = 10
"""Times that a probe finds such an error, before the partition counts as unreadable."""

_FIRST_STEP_MS = 60_000
"""First step back from a time in a batch that the broker cannot read; the next is twice that."""

LOST_RECORDS = "Kafka has lost acknowledged records; see docs/how-to/runbook.md#lost-records"

# aiokafka's counterparts of the exceptions that infra.kafka.errors knows from kafka-python.
_NO_RIGHT = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
_SASL_FAILED = (AuthenticationFailedError, SaslAuthenticationFailed)


class EventTopic:
    """Client of the events topic without a consumer group.

    Records of open and aborted transactions are not read. Every method raises KafkaUnavailable if
    no broker answers, and may be retried.
    """

    def __init__(self, settings: KafkaSettings, topic: str = "") -> None:
        """Connect at the first call. `topic` is another one than that of events."""
        self._settings = settings
        self._name = topic or settings.events_topic
        self._admin: KafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._prober: tuple[AIOKafkaConsumer, FetchErrors] | None = None
        self._probing = asyncio.Lock()
        batches.install()
        # kafka-python blocks, and its client is for one thread.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-admin")

    async def close(self) -> None:
        self._thread.submit(self._close_admin)
        self._thread.shutdown(wait=False)
        await self._close_consumer()
        await self._close_prober()

    async def describe(self) -> topics.Topic:
        """Return the current topic. Raises Misconfigured if it does not exist."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._describe)

    async def check_access(self, groups: Sequence[str]) -> None:
        """Raise Misconfigured if a topic or an ACL of `groups` is missing."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._check_access, groups)

    async def offset_ranges(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Return the first offset of each partition, and the one after its last.

        The last offset may be that of a transaction which is open.
        """
        tps = [TopicPartition(self._name, partition) for partition in partitions]
        async with self._shared_consumer() as consumer:
            begin = await consumer.beginning_offsets(tps)
            end = await consumer.end_offsets(tps)
        return {tp.partition: (begin[tp], end[tp]) for tp in tps}

    async def reread(
        self, partition: int, *, until: int, record_time: int, skipped: Sequence[SkippedRange]
    ) -> AsyncGenerator[Sequence[Record], None]:
        """Yield the counted records below offset `until` whose ids are still needed.

        `record_time` (ms) is the highest timestamp of what was counted. Passes the ranges
        `skipped`, sorted by offset. Raises UnreadableBatch for others that cannot be read, and
        LogInconsistent for a record that is newer than `record_time`.
        """
        start = await self.offset_at(partition, record_time - DEDUP_REREAD_MS)
        for part in () if start is None else readable_ranges(start, until, skipped):
            async with aclosing(self.read(partition, part.start, part.stop)) as fetched:
                async for records in fetched:
                    if max(clamp_times(records)[1]) > record_time:
                        raise LogInconsistent(
                            f"partition {partition} has records below offset {until} that are "
                            f"newer than those counted: {LOST_RECORDS}"
                        )
                    yield records

    async def offset_at(self, partition: int, time: int) -> int | None:
        """Return the offset of the first record at `time` (ms) or later, or None.

        Record times below 0 count as 0, so a `time` of 0 is that of the first record. Where the
        broker cannot read the batch with that record, returns an earlier offset.
        """
        tp = TopicPartition(self._name, partition)
        back = _FIRST_STEP_MS
        async with self._shared_consumer() as consumer:
            while time > 0:
                try:
                    entry = (await consumer.offsets_for_times({tp: time}))[tp]
                except UnknownError:
                    time, back = time - back, 2 * back
                else:
                    return None if entry is None else int(entry.offset)
        begin, end = (await self.offset_ranges([partition]))[partition]
        return begin if begin < end else None

    async def read(
        self, partition: int, start: int, until: int
    ) -> AsyncGenerator[Sequence[Record], None]:
        """Yield the records from offset `start` on, below `until`.

        Raises UnreadableBatch after yielding every record before the batch, and FetchRefused.
        """
        if start >= until:
            return
        tp = TopicPartition(self._name, partition)
        consumer = await self._start_consumer(isolation_level="read_committed")
        try:
            consumer.assign([tp])
            consumer.seek(tp, start)
            reader, errors = PartitionReader(consumer), FetchErrors(consumer)
            position, empty = start, 0
            while position < until:
                fetched = await reader.read(tp, timeout_ms=1000)
                records = [record for record in fetched if record.offset < until]
                if records:
                    yield records
                before, position = position, await consumer.position(tp)
                # Without a broker aiokafka returns empty fetches instead of an error.
                empty = empty + 1 if position == before else 0
                if tp in errors and empty >= MAX_REFUSED_FETCHES:
                    raise _refused(tp, errors)
                if empty > MAX_EMPTY_FETCHES:
                    raise KafkaUnavailable(f"{self._name}/{partition} is not readable")
        except (KafkaError, OSError) as error:
            failure = f"cannot read {self._name}/{partition}"
            raise translate_aiokafka_error(error, self._settings, failure) from error
        finally:
            await consumer.stop()

    async def position_after(self, partition: int, start: int, end: int) -> int:
        """Return the offset of the first committed record from `start` on, at most `end`.

        Where one fetch finds none, returns the offset up to which it proves that there is none:
        what lies below are transaction markers, aborted records, or offsets that compaction or
        retention has emptied. Raises FetchRefused.
        """
        tp = TopicPartition(self._name, partition)
        async with self._shared_prober() as (prober, errors):
            return min(end, await _probe(prober, errors, tp, start))

    async def stable_ends(self, partitions: Sequence[int]) -> dict[int, int]:
        """Return the first offset of an open transaction in each partition, or its end."""
        tps = [TopicPartition(self._name, partition) for partition in partitions]
        async with self._shared_prober() as (prober, _):
            ends = await prober.end_offsets(tps)
        return {tp.partition: ends[tp] for tp in tps}

    @asynccontextmanager
    async def _shared_prober(self) -> AsyncGenerator[tuple[AIOKafkaConsumer, FetchErrors], None]:
        async with self._probing:
            try:
                if self._prober is None:
                    prober = await self._start_consumer(
                        isolation_level="read_committed", fetch_max_wait_ms=PROBE_MS
                    )
                    self._prober = prober, FetchErrors(prober)
                yield self._prober
            except (KafkaError, OSError) as error:
                await self._close_prober()
                failure = f"cannot read {self._name}"
                raise translate_aiokafka_error(error, self._settings, failure) from error

    @asynccontextmanager
    async def _shared_consumer(self) -> AsyncGenerator[AIOKafkaConsumer, None]:
        try:
            if self._consumer is None:
                self._consumer = await self._start_consumer()
            yield self._consumer
        except (KafkaError, OSError) as error:
            await self._close_consumer()
            failure = f"cannot get the offsets of {self._name}"
            raise translate_aiokafka_error(error, self._settings, failure) from error

    async def _start_consumer(self, **options: Any) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            **options,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 << 20,
        )
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await consumer.stop()
            raise await asyncio.to_thread(
                translate_aiokafka_error, error, self._settings
            ) from error
        return consumer

    async def _close_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _close_prober(self) -> None:
        prober, self._prober = self._prober, None
        if prober is not None:
            await prober[0].stop()

    def _describe(self) -> topics.Topic:
        try:
            return topics.describe(self._connect_admin(), self._name)
        except KafkaUnavailable:
            self._close_admin()
            raise

    def _check_access(self, groups: Sequence[str]) -> None:
        try:
            check_aggregator_access(self._connect_admin(), self._settings, groups)
        except KafkaUnavailable:
            self._close_admin()
            raise

    def _connect_admin(self) -> KafkaAdminClient:
        if self._admin is None:
            self._admin = topics.connect_admin(self._settings)
        return self._admin

    def _close_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()


async def _probe(
    consumer: AIOKafkaConsumer, errors: FetchErrors, tp: TopicPartition, start: int
) -> int:
    """Return the offset of the first record from `start` on, or how far one fetch proves none."""
    consumer.assign([tp])
    consumer.seek(tp, start)
    errors.pop(tp, None)
    refused = 0
    try:
        for _ in range(MAX_EMPTY_FETCHES * 1000 // PROBE_MS):
            answered = consumer.last_poll_timestamp(tp) is not None
            fetched = await consumer.getmany(
                tp, timeout_ms=0 if answered else PROBE_MS, max_records=1
            )
            if fetched:
                return int(fetched[tp][0].offset)
            if answered:
                break
            refused += tp in errors
            if refused > MAX_REFUSED_PROBES:
                raise _refused(tp, errors)
        else:
            raise KafkaUnavailable(f"{tp.topic}/{tp.partition} is not readable")
    except UnreadableError:
        pass
    finally:
        consumer.pause(tp)
    position: int = await consumer.position(tp)
    return max(start, position)


def _refused(tp: TopicPartition, errors: FetchErrors) -> FetchRefused:
    return FetchRefused(
        f"{tp.topic}/{tp.partition} cannot be read: its broker answers {errors[tp].name}; see the "
        "log of the broker"
    )


def translate_aiokafka_error(
    error: Exception, settings: KafkaSettings, failure: str = ""
) -> MostreadError:
    """Translate an error of aiokafka or kafka-python; see `translate_error`."""
    if isinstance(error, _NO_RIGHT):
        return missing_right_error(error)
    if isinstance(error, _SASL_FAILED):
        return authentication_error(settings)
    return translate_error(error, settings, failure)
