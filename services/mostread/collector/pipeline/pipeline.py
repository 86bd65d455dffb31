"""What becomes of the events of a request: decoded, admitted, completed, kept."""

from typing import NamedTuple

from mostread.collector.config import MAX_EVENTS, CollectorSettings
from mostread.collector.delivery.batcher import Batches
from mostread.collector.delivery.partitioner import lines_by_partition
from mostread.collector.delivery.producer import Publisher
from mostread.collector.metrics import CollectorMetrics
from mostread.collector.pipeline.client_info import Sender
from mostread.collector.pipeline.decoder import decode
from mostread.collector.pipeline.enrichment import Stamp
from mostread.collector.pipeline.filters import Admission, Dropped
from mostread.collector.pipeline.strict_decoder import Rejection
from mostread.collector.pipeline.visitor_id import new_identity
from mostread.infra import clock


class Taken(NamedTuple):
    """How many events are in Kafka, and what became of the others."""

    accepted: int
    dropped: Dropped
    rejected: list[Rejection]

    @property
    def nothing_valid(self) -> bool:
        return not self.accepted and not self.dropped


class Intake:
    """Takes events in, however they came."""

    def __init__(
        self,
        settings: CollectorSettings,
        publisher: Publisher,
        batches: Batches,
        metrics: CollectorMetrics,
    ) -> None:
        self._publisher = publisher
        self._batches = batches
        self._metrics = metrics
        self._admission = Admission(settings)
        self._stamp = Stamp(new_identity(settings.collector_visitor_secret.get_secret_value()))

    def require(self) -> None:
        """Raise Unavailable where events could not be kept just now."""
        self._batches.require()

    async def take(self, body: bytes, sender: Sender, sent_at: int | None) -> Taken:
        """Return when Kafka has what is to be counted of `body`.

        Call it when `require` raised nothing. `sent_at` is what the sender's clock showed, in
        milliseconds, where it said so. Raises TooManyEvents, or Unavailable: then none of it is
        known to be kept.
        """
        events, rejected = decode(body, may_take_back=sender.is_server, max_events=MAX_EVENTS)
        for rejection in rejected:
            self._metrics.rejected[rejection.reason].inc()
        if not events:
            return Taken(0, {}, rejected)
        admitted, dropped = self._admission.admit(events, sender)
        if admitted:
            self._stamp.complete(admitted, sender, clock.now_ms(), sent_at)
            await self._batches.add(lines_by_partition(admitted, self._publisher.partitions))
            self._metrics.accepted.inc(len(admitted))
        for reason, count in dropped.items():
            self._metrics.dropped[reason].inc(count)
        return Taken(len(admitted), dropped, rejected)
