"""Deliver events to Kafka: partition them, batch them into records, and await acknowledgement.

A record costs the producer, the broker and the aggregator the same whether it contains one event
or a thousand. Events therefore wait a few milliseconds for others of their partition.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from kafka.partitioner.default import murmur2
from msgspec.json import Encoder

from mostread.collector.config import CollectorSettings
from mostread.collector.delivery.producer import Producer, Written
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.pipeline.event import SentEvent
from mostread.errors import KafkaUnavailable, MostreadError, Overloaded
from mostread.infra.kafka.producer import OutgoingRecord

MAX_BATCH_BYTES = 128 << 10
"""A batch of this size is sent at once: waiting longer would not make it cheaper."""

_MAX_CACHED_ARTICLES = 100_000
_ENCODER = Encoder()


class Partitions(dict[str, int]):
    """Partition of each article id, as Kafka's default partitioner computes it.

    murmur2 is pure Python here, about 5 µs per id; at any time readers are on few articles.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def __missing__(self, article_id: str) -> int:
        if len(self) >= _MAX_CACHED_ARTICLES:
            self.clear()
        partition = (int(murmur2(article_id.encode())) & 0x7FFFFFFF) % self.count
        self[article_id] = partition
        return partition


def lines_by_partition(events: Iterable[SentEvent], partitions: Partitions) -> dict[int, bytes]:
    """Return the events as NDJSON by partition, every line terminated."""
    groups: defaultdict[int, list[SentEvent]] = defaultdict(list)
    for event in events:
        groups[partitions[event.article_id]].append(event)
    return {partition: _ENCODER.encode_lines(group) for partition, group in groups.items()}


class PendingRequest:
    """A request whose events are in `unacknowledged` batches."""

    __slots__ = ("acknowledged", "unacknowledged")

    def __init__(self, acknowledged: asyncio.Future[None], batches: int) -> None:
        self.acknowledged = acknowledged
        self.unacknowledged = batches


class RecordBatch:
    """The next record of one partition, still open for events."""

    __slots__ = ("chunks", "requests", "size")

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        self.requests: list[PendingRequest] = []


class Delivery:
    """Send events and article records through `producer`, within the limits of `settings`.

    `inflight_bytes` never exceeds `collector_max_inflight_bytes`: bytes count from `send` until
    the producer releases their record.
    """

    def __init__(
        self, settings: CollectorSettings, producer: Producer, metrics: CollectorMetrics
    ) -> None:
        self._events_topic = settings.events_topic
        self._articles_topic = settings.articles_topic
        self._linger = settings.collector_linger_ms / 1000
        self._max_requests = settings.collector_max_inflight_requests
        self._max_bytes = settings.collector_max_inflight_bytes
        self._producer = producer
        self._metrics = metrics
        self._partitions = Partitions(0)
        self._batches: dict[int, RecordBatch] = {}
        self._batched_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self.inflight_requests = 0
        """Requests whose events Kafka has not acknowledged."""

    @property
    def inflight_bytes(self) -> int:
        """Bytes in open batches and in the producer."""
        return self._batched_bytes + self._producer.inflight_bytes

    def check_capacity(self) -> None:
        """Raise KafkaUnavailable or Overloaded if events cannot be accepted now."""
        if self.inflight_requests >= self._max_requests:
            raise Overloaded("Too many requests wait for Kafka.")
        self._check_kafka()

    async def send(self, events: Sequence[SentEvent]) -> None:
        """Return when Kafka has acknowledged all events.

        Raises KafkaUnavailable or Overloaded if none was accepted, and OutcomeUnknown if Kafka
        did not acknowledge in time.
        """
        self.check_capacity()
        if self._partitions.count != self._producer.partitions:
            self._partitions = Partitions(self._producer.partitions)
        lines = lines_by_partition(events, self._partitions)
        self._check_bytes(sum(map(len, lines.values())))
        await self._add(lines)

    async def send_articles(self, records: Sequence[tuple[bytes, bytes | None]]) -> Written:
        """Return when Kafka has acknowledged keys and values for the articles topic.

        Returns where one of them is stored. Raises as `send`. At most one thousand at a time.
        """
        return await self._send_records(
            [OutgoingRecord(self._articles_topic, value, key) for key, value in records]
        )

    async def send_control(self, value: bytes) -> None:
        """Return when Kafka has acknowledged a control record in every partition of events.

        Raises as `send`; some partitions may have it even then.
        """
        self._check_kafka()
        await self._send_records(
            [
                OutgoingRecord(self._events_topic, value, partition=number)
                for number in range(self._producer.partitions)
            ]
        )

    async def _send_records(self, records: Sequence[OutgoingRecord]) -> Written:
        """Return where one of the records is stored, once all are acknowledged."""
        self._check_kafka()
        self._check_bytes(sum(len(each.key or b"") + len(each.value or b"") for each in records))
        acknowledged: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        remaining = len(records)

        def finish(outcome: MostreadError | Written) -> None:
            nonlocal remaining
            remaining -= 1
            if acknowledged.done():
                return
            if isinstance(outcome, MostreadError):
                acknowledged.set_exception(outcome)
            elif not remaining:
                acknowledged.set_result(outcome)

        for each in records:
            self._producer.send(
                each.topic, each.value, key=each.key, partition=each.partition, on_done=finish
            )
        return await acknowledged

    def _check_kafka(self) -> None:
        if self._producer.unavailable_reason() is not None:
            # The reason may name hosts and users: it is for /readyz and the log, not for clients.
            raise KafkaUnavailable("Kafka is unavailable.")

    def _check_bytes(self, size: int) -> None:
        if self.inflight_bytes + size > self._max_bytes:
            raise Overloaded("Too many events wait for Kafka.")

    def _add(self, lines: dict[int, bytes]) -> asyncio.Future[None]:
        """Add lines to the open batches; the future ends when all are acknowledged."""
        loop = asyncio.get_running_loop()
        request = PendingRequest(loop.create_future(), len(lines))
        self.inflight_requests += 1
        for partition, chunk in lines.items():
            batch = self._batches.get(partition)
            if batch is None:
                batch = self._batches[partition] = RecordBatch()
            batch.chunks.append(chunk)
            batch.size += len(chunk)
            batch.requests.append(request)
            self._batched_bytes += len(chunk)
            if batch.size >= MAX_BATCH_BYTES:
                self._produce(partition, self._batches.pop(partition))
        if self._timer is None and self._batches:
            self._timer = loop.call_later(self._linger, self._flush)
        return request.acknowledged

    def _flush(self) -> None:
        self._timer = None
        batches, self._batches = self._batches, {}
        for partition, batch in batches.items():
            self._produce(partition, batch)

    def _produce(self, partition: int, batch: RecordBatch) -> None:
        value = b"".join(batch.chunks)
        batch.chunks.clear()
        self._batched_bytes -= batch.size
        self._metrics.records.inc()
        self._metrics.record_bytes.observe(batch.size)
        self._producer.send(
            self._events_topic,
            value,
            partition=partition,
            on_done=lambda outcome: self._finish(batch, outcome),
        )

    def _finish(self, batch: RecordBatch, outcome: MostreadError | Written) -> None:
        """Settle the requests of a batch; a request's first error is its outcome."""
        for request in batch.requests:
            request.unacknowledged -= 1
            if not request.unacknowledged:
                self.inflight_requests -= 1
            if request.acknowledged.done():
                continue
            if isinstance(outcome, MostreadError):
                request.acknowledged.set_exception(outcome)
            elif not request.unacknowledged:
                request.acknowledged.set_result(None)
