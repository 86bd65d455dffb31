"""Produce records without blocking the event loop, and detect an unavailable Kafka.

Two signals show that Kafka is alive: acknowledgements, and the response to the monitor's request
each second. If neither arrives for `collector_kafka_liveness_timeout_seconds`, or a record waits
longer than that for its acknowledgement, new records are refused at once; records in flight wait
for `collector_ack_timeout_seconds`. The next response ends the refusal.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from mostread.collector.config import CollectorSettings
from mostread.collector.delivery.broker_monitor import BrokerMonitor
from mostread.collector.metrics import CollectorMetrics
from mostread.errors import KafkaUnavailable, MostreadError, OutcomeUnknown
from mostread.infra.logging import get_logger

log = get_logger(__name__)


class Written(NamedTuple):
    """Where Kafka has stored a record; the timestamp is in milliseconds."""

    offset: int
    timestamp: int


OnDone = Callable[[MostreadError | Written], None]
"""Called once, in the event loop, with the outcome."""

CHECK_INTERVAL_SECONDS = 1.0
EXPIRY_INTERVAL_SECONDS = 0.25


@dataclass(eq=False)
class InflightRecord:
    """A record that kafka-python holds; `on_done` is None once it was called."""

    sent_at: float
    size: int
    on_done: OnDone | None


class Producer:
    """Send records to Kafka and track them until kafka-python releases them."""

    def __init__(self, settings: CollectorSettings, metrics: CollectorMetrics) -> None:
        self.partitions = 0
        """Partitions of the events topic; known once `unavailable_reason` was None."""
        self.inflight_bytes = 0
        """Size of the records that kafka-python holds."""
        self._ack_timeout = settings.collector_ack_timeout_seconds
        self._liveness_timeout = settings.collector_kafka_liveness_timeout_seconds
        self._metrics = metrics
        self._monitor = BrokerMonitor(settings)
        self._producer: KafkaProducer | None = None
        self._broken = False
        self._error: str | None = "not connected yet"
        self._last_response_at = 0.0
        self._inflight: dict[InflightRecord, None] = {}
        self._closing = asyncio.Event()

    async def start(self) -> None:
        """Start connecting; Kafka need not be available."""
        self._loop = asyncio.get_running_loop()
        self._monitoring = asyncio.create_task(self._monitor_broker())
        self._expiring = asyncio.create_task(self._expire_records())

    async def close(self) -> None:
        """Wait until every record in flight is acknowledged or has failed, then disconnect."""
        self._closing.set()
        await asyncio.gather(self._monitoring, self._expiring)
        await asyncio.to_thread(self._monitor.close, self._producer, 5)

    def unavailable_reason(self) -> str | None:
        """Return why records cannot be sent now, or None if they can."""
        if self._producer is None or self._broken or not self.partitions:
            return self._error or "reconnecting"
        now = time.monotonic()
        oldest = next(iter(self._inflight), None)
        if oldest is not None and now - oldest.sent_at > self._liveness_timeout:
            return f"no acknowledgement for {now - oldest.sent_at:.0f} s"
        if now - self._last_response_at > self._liveness_timeout:
            return self._error or f"no response for {now - self._last_response_at:.0f} s"
        return None

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        on_done: OnDone,
        key: bytes | None = None,
        partition: int | None = None,
    ) -> None:
        """Send a record and call `on_done` with the outcome."""
        record = InflightRecord(time.monotonic(), len(key or b"") + len(value or b""), on_done)
        self._inflight[record] = None
        self.inflight_bytes += record.size
        try:
            if self._producer is None:  # being replaced
                raise KafkaUnavailable("reconnecting")
            future = self._producer.send(topic, value, key=key, partition=partition)
        except (KafkaError, KafkaUnavailable, ValueError) as error:
            # ValueError: the topic has fewer partitions than it had.
            self._finish(record, error)
            return
        # Both are called in the producer's thread.
        future.add_callback(
            lambda stored: self._loop.call_soon_threadsafe(
                self._finish, record, Written(stored.offset, stored.timestamp)
            )
        )
        future.add_errback(
            lambda error: self._loop.call_soon_threadsafe(self._finish, record, error)
        )

    def _finish(self, record: InflightRecord, outcome: Exception | Written) -> None:
        """Release a record that was acknowledged, or failed with an error."""
        if self._inflight.pop(record, record) is record:
            return  # failed already, when the producer was replaced
        self.inflight_bytes -= record.size
        now = time.monotonic()
        if isinstance(outcome, Written):
            self._last_response_at = now
            self._metrics.ack_seconds.observe(now - record.sent_at)
            self._report(record, outcome)
            return
        self._metrics.failed.inc()
        log.warning("record_failed", error=repr(outcome))
        self._broken = self._broken or not getattr(outcome, "retriable", False)
        # Even here the outcome is unknown: the request may contain other records.
        self._report(record, OutcomeUnknown("Kafka did not acknowledge."))

    @staticmethod
    def _report(record: InflightRecord, outcome: MostreadError | Written) -> None:
        if record.on_done is not None:
            on_done, record.on_done = record.on_done, None
            on_done(outcome)

    async def _expire_records(self) -> None:
        """Report records that exceed the timeout, independently of kafka-python's clock."""
        timeout = self._ack_timeout
        while await self._sleep(EXPIRY_INTERVAL_SECONDS):
            now = time.monotonic()
            for record in list(self._inflight):
                if now - record.sent_at < timeout:
                    break
                self._report(record, OutcomeUnknown(f"Kafka did not acknowledge in {timeout:g} s."))
                # kafka-python expires records by itself; a producer that does not is stuck.
                self._broken = self._broken or now - record.sent_at > 2 * timeout

    async def _monitor_broker(self) -> None:
        """Connect, check the broker, and replace the producer after a fatal error."""
        logged_error = self._error
        while await self._sleep(0 if self._producer is None else CHECK_INTERVAL_SECONDS):
            try:
                if self._producer is None or self._broken:
                    self._producer = await self._replace_producer()
                    self._broken = False
                self.partitions = await asyncio.to_thread(self._monitor.check, self._producer)
                self._error = None
                self._last_response_at = time.monotonic()
            except MostreadError as error:
                self._error = str(error)
            except Exception as error:
                # An unexpected exception must not end this loop: the collector would never
                # reconnect.
                log.exception("broker_check_failed")
                self._error = repr(error)
            if self._error != logged_error:
                logged_error = self._error
                if logged_error:
                    log.warning("kafka_unavailable", error=logged_error)
                else:
                    log.info("kafka_connected")

    async def _sleep(self, seconds: float) -> bool:
        """Wait; return False once the producer is closing and nothing is in flight."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        if self._closing.is_set() and self._inflight:
            await asyncio.sleep(EXPIRY_INTERVAL_SECONDS / 10)
        return bool(self._inflight) or not self._closing.is_set()

    async def _replace_producer(self) -> KafkaProducer:
        """Connect; records that a previous producer still holds have an unknown outcome."""
        old, self._producer = self._producer, None
        if old is not None:
            log.error("producer_replaced")
            await asyncio.to_thread(self._monitor.close, old, 1)
            for record in list(self._inflight):
                self._finish(record, KafkaUnavailable("the producer was replaced"))
        return await asyncio.to_thread(self._monitor.connect)
