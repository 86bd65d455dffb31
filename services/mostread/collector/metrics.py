"""Metrics of the collector: names, kinds, labels and meanings."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mostread.collector.pipeline.pipeline import DropReason
from mostread.collector.pipeline.strict_decoder import RejectReason
from mostread.infra.auth.token_metrics import TokenMetrics
from mostread.infra.http.connections import CloseReason
from mostread.infra.http.metrics import RequestDurations

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class CollectorMetrics:
    """The collector's metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = RequestDurations(
            "mostread_collector_request_duration_seconds",
            "Duration of HTTP requests, by route and status.",
            BUCKETS_SECONDS,
            registry,
        )
        self._events = Counter(
            "mostread_collector_events",
            "Events by outcome (accepted, rejected or dropped) and reason.",
            ["outcome", "reason"],
            registry=registry,
        )
        self.bot_events = Counter(
            "mostread_collector_bot_events",
            "Events dropped as a bot's, by the name of the pattern that its user agent matches.",
            ["pattern"],
            registry=registry,
        )
        self.records = Counter(
            "mostread_collector_records",
            "Records sent to the events topic.",
            registry=registry,
        )
        self.failed = Counter(
            "mostread_collector_failed_records",
            "Records that Kafka did not acknowledge; the topic may contain them.",
            registry=registry,
        )
        self.record_bytes = Histogram(
            "mostread_collector_record_bytes",
            "Size of records sent to the events topic.",
            buckets=[256 * 4**n for n in range(7)],
            registry=registry,
        )
        self.ack_seconds = Histogram(
            "mostread_collector_kafka_ack_duration_seconds",
            "Time from sending a record until Kafka acknowledged it.",
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self.inflight_bytes = Gauge(
            "mostread_collector_inflight_bytes",
            "Bytes of events waiting for Kafka, batched or sent.",
            registry=registry,
        )
        self.inflight_requests = Gauge(
            "mostread_collector_inflight_requests",
            "Requests waiting for Kafka's acknowledgement.",
            registry=registry,
        )
        self.partitions = Gauge(
            "mostread_collector_partitions",
            "Partitions of the events topic known to this collector.",
            registry=registry,
        )
        self.tokens = TokenMetrics("collector", registry)
        self.connections = Gauge(
            "mostread_collector_connections",
            "Open client connections.",
            registry=registry,
        )
        self._connections_closed = Counter(
            "mostread_collector_connections_closed",
            "Silent connections the collector closed, by reason: max_connections or timeout.",
            ["reason"],
            registry=registry,
        )
        self.connections_closed = {
            reason: self._connections_closed.labels(reason) for reason in CloseReason
        }
        self.accepted = self._events.labels("accepted", "")
        self.rejected = {reason: self._events.labels("rejected", reason) for reason in RejectReason}
        self.dropped = {reason: self._events.labels("dropped", reason) for reason in DropReason}
