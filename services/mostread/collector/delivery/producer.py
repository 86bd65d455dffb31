"""Handing records to Kafka without ever waiting for it, and knowing when it is away.

Two signals show that Kafka is alive: acknowledgements, and the answer to a request that goes to
the cluster each second. When neither arrives for `collector_kafka_liveness_timeout_seconds`, or a
record waits longer than that for its acknowledgement, the producer refuses new records at once;
records in flight wait for `collector_ack_timeout_seconds`. The next answer ends the refusal.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from kafka import KafkaProducer
from kafka.errors import KafkaError

from mostread.collector.config import CollectorSettings
from mostread.collector.delivery.kafka_client import Cluster
from mostread.collector.metrics import CollectorMetrics
from mostread.errors import KafkaUnavailable, MostreadError, OutcomeUnknown, Overloaded
from mostread.infra.logging import get_logger

log = get_logger(__name__)

Done = Callable[[MostreadError | None], None]
"""Told once, in the event loop: None when Kafka acknowledged, else what happened instead."""

LOOK_SECONDS = 1.0
SWEEP_SECONDS = 0.25


@dataclass(eq=False)
class Sent:
    """A record that the producer holds; `done` is None once the sender was told."""

    at: float
    size: int
    done: Done | None


class Publisher:
    """Sends records and keeps count of the bytes under way.

    `pending_bytes` never exceeds `collector_max_inflight_bytes`: it is raised by `reserve`,
    before a record exists, and lowered only when the producer has let go of it.
    """

    def __init__(self, settings: CollectorSettings, metrics: CollectorMetrics) -> None:
        self.partitions = 0
        self.pending_bytes = 0
        self._settings = settings
        self._metrics = metrics
        self._cluster = Cluster(settings)
        self._producer: KafkaProducer | None = None
        self._broken = False
        self._fault: str | None = "not connected yet"
        self._heard_at = 0.0
        self._sent: dict[Sent, None] = {}
        self._closing = asyncio.Event()

    async def start(self) -> None:
        """Begin to look for Kafka; it need not be there."""
        self._loop = asyncio.get_running_loop()
        self._watching = asyncio.create_task(self._watch())
        self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Wait until every record under way is acknowledged or given up, then disconnect."""
        self._closing.set()
        await asyncio.gather(self._watching, self._sweeping)
        await asyncio.to_thread(self._cluster.close, self._producer, 5)

    def fault(self) -> str | None:
        """Return what keeps records from being sent just now, None if nothing does."""
        now = time.monotonic()
        stall = self._settings.collector_kafka_liveness_timeout_seconds
        if self._producer is None or self._broken or not self.partitions:
            return self._fault or "connecting again"
        oldest = next(iter(self._sent), None)
        if oldest is not None and now - oldest.at > stall:
            return f"no acknowledgement for {now - oldest.at:.0f} s"
        if now - self._heard_at > stall:
            return self._fault or f"no answer for {now - self._heard_at:.0f} s"
        return None

    def require(self) -> None:
        """Raise KafkaUnavailable while records cannot be sent; else `partitions` is known."""
        if self.fault() is not None:
            # What is wrong may name hosts and users: /readyz and the log say it, not the world.
            raise KafkaUnavailable("Kafka is away.")

    def reserve(self, size: int) -> None:
        """Make room for `size` bytes that will be sent. Raises KafkaUnavailable or Overloaded."""
        self.require()
        if self.pending_bytes + size > self._settings.collector_max_inflight_bytes:
            raise Overloaded("As many events as there is room for wait for Kafka.")
        self.pending_bytes += size

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        reserved: int,
        done: Done,
        key: bytes | None = None,
        partition: int | None = None,
    ) -> None:
        """Hand a record over; `reserved` bytes are given back when the producer lets go of it."""
        sent = Sent(time.monotonic(), reserved, done)
        self._sent[sent] = None
        try:
            if self._producer is None:  # replaced just now
                raise KafkaUnavailable("connecting again")
            future = self._producer.send(topic, value, key=key, partition=partition)
        except (KafkaError, KafkaUnavailable, ValueError) as error:
            # ValueError: the topic has fewer partitions than it had.
            self._finish(sent, error)
            return
        # Both are called in the producer's thread.
        future.add_callback(lambda _: self._loop.call_soon_threadsafe(self._finish, sent, None))
        future.add_errback(lambda error: self._loop.call_soon_threadsafe(self._finish, sent, error))

    def _finish(self, sent: Sent, error: Exception | None) -> None:
        """The producer is done with a record: acknowledged, or failed with `error`."""
        if self._sent.pop(sent, sent) is sent:
            return  # given up already, when the producer was replaced
        self.pending_bytes -= sent.size
        now = time.monotonic()
        if error is None:
            self._heard_at = now
            self._metrics.acknowledged(now - sent.at)
            self._tell(sent, None)
            return
        self._metrics.failed.inc()
        log.warning("record_failed", error=repr(error))
        self._broken = self._broken or not getattr(error, "retriable", False)
        # Not even here is it known that nothing was kept: the request may have other records.
        self._tell(sent, OutcomeUnknown("Kafka did not acknowledge."))

    @staticmethod
    def _tell(sent: Sent, error: MostreadError | None) -> None:
        if sent.done is not None:
            done, sent.done = sent.done, None
            done(error)

    async def _sweep(self) -> None:
        """Answer those who have waited long enough, whatever the producer's own clock does."""
        timeout = self._settings.collector_ack_timeout_seconds
        while await self._paused(SWEEP_SECONDS):
            now = time.monotonic()
            for sent in list(self._sent):
                if now - sent.at < timeout:
                    break
                self._tell(sent, OutcomeUnknown(f"Kafka did not acknowledge in {timeout:g} s."))
                # The producer gives a record up by itself; one that does not is stuck.
                self._broken = self._broken or now - sent.at > 2 * timeout

    async def _watch(self) -> None:
        """Connect, look, and connect anew after an error that the producer cannot get over."""
        was = self._fault
        while await self._paused(0 if self._producer is None else LOOK_SECONDS):
            try:
                if self._producer is None or self._broken:
                    self._producer = await self._new_producer()
                    self._broken = False
                self.partitions = await asyncio.to_thread(self._cluster.look, self._producer)
                self._fault = None
                self._heard_at = time.monotonic()
            except MostreadError as error:
                self._fault = str(error)
            except Exception as error:
                # Whatever the library raised: to stop looking would be to stay away for good.
                log.exception("broker_check_failed")
                self._fault = repr(error)
            if self._fault != was:
                was = self._fault
                log.warning("kafka_unavailable", error=was) if was else log.info("kafka_connected")

    async def _paused(self, seconds: float) -> bool:
        """Wait; False once the publisher closes and nothing is under way any more."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        if self._closing.is_set() and self._sent:
            await asyncio.sleep(SWEEP_SECONDS / 10)
        return bool(self._sent) or not self._closing.is_set()

    async def _new_producer(self) -> KafkaProducer:
        """Replace the producer. What the old one still holds is of unknown outcome."""
        old, self._producer = self._producer, None
        if old is not None:
            log.error("producer_replaced")
            await asyncio.to_thread(self._cluster.close, old, 1)
            for sent in list(self._sent):
                self._finish(sent, KafkaUnavailable("the producer was replaced"))
        return await asyncio.to_thread(self._cluster.connect)
