"""Gathering the events of many requests into one record a partition.

A record costs the producer, the broker and the aggregator the same whether it holds one event
or a thousand. So events wait a few milliseconds for others of their partition.
"""

import asyncio
from collections.abc import Mapping

from mostread.collector.config import CollectorSettings
from mostread.collector.delivery.producer import Publisher
from mostread.collector.metrics import CollectorMetrics
from mostread.errors import MostreadError, Overloaded

FULL_BYTES = 128 << 10
"""A record of so much is sent at once: waiting longer would make it no cheaper."""


class Waiting:
    """A request whose events are in `records` records; `answered` ends with the last of them."""

    __slots__ = ("answered", "batches", "records")

    def __init__(self, batches: "Batches", answered: asyncio.Future[None], records: int) -> None:
        self.batches = batches
        self.answered = answered
        self.records = records

    def done(self, error: MostreadError | None) -> None:
        """One of the records was acknowledged, or was not; the first error is the answer."""
        self.records -= 1
        if not self.records:
            self.batches.requests -= 1
        if self.answered.done():
            return
        if error is not None:
            self.answered.set_exception(error)
        elif not self.records:
            self.answered.set_result(None)


class Gathering:
    """The record of one partition that is still open."""

    __slots__ = ("chunks", "size", "waiting")

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        self.waiting: list[Waiting] = []

    def done(self, error: MostreadError | None) -> None:
        for waiting in self.waiting:
            waiting.done(error)


class Batches:
    """The open records of all partitions."""

    def __init__(
        self, settings: CollectorSettings, publisher: Publisher, metrics: CollectorMetrics
    ) -> None:
        self._topic = settings.events_topic
        self._linger = settings.collector_linger_ms / 1000
        self._publisher = publisher
        self._metrics = metrics
        self._open: dict[int, Gathering] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._most_requests = settings.collector_max_inflight_requests
        self.requests = 0
        """Requests that wait for their acknowledgement."""

    def require(self) -> None:
        """Raise KafkaUnavailable or Overloaded where a request could not be kept just now."""
        self._require_room()
        self._publisher.require()

    def _require_room(self) -> None:
        if self.requests >= self._most_requests:
            raise Overloaded("As many requests as there is room for wait for Kafka.")

    def add(self, lines: Mapping[int, bytes]) -> asyncio.Future[None]:
        """Take NDJSON by partition; the future ends when Kafka has acknowledged all of it.

        Raises KafkaUnavailable or Overloaded and takes nothing; the future raises
        OutcomeUnknown or KafkaUnavailable.
        """
        self._require_room()
        self._publisher.reserve(sum(map(len, lines.values())))
        self.requests += 1
        loop = asyncio.get_running_loop()
        waiting = Waiting(self, loop.create_future(), len(lines))
        for partition, chunk in lines.items():
            record = self._open.get(partition)
            if record is None:
                record = self._open[partition] = Gathering()
            record.chunks.append(chunk)
            record.size += len(chunk)
            record.waiting.append(waiting)
            if record.size >= FULL_BYTES:
                self._send(partition, self._open.pop(partition))
        if self._timer is None and self._open:
            self._timer = loop.call_later(self._linger, self._flush)
        return waiting.answered

    def _flush(self) -> None:
        self._timer = None
        opened, self._open = self._open, {}
        for partition, record in opened.items():
            self._send(partition, record)

    def _send(self, partition: int, record: Gathering) -> None:
        value = b"".join(record.chunks)
        record.chunks.clear()
        self._metrics.records.inc()
        self._metrics.gathered(record.size)
        self._publisher.send(
            self._topic, value, partition=partition, reserved=record.size, done=record.done
        )
