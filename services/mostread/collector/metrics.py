"""Every metric of the collector: name, kind, labels, meaning."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mostread.collector.pipeline.filters import DropReason
from mostread.collector.pipeline.strict_decoder import Reason
from mostread.infra.http.connections import CloseReason

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class CollectorMetrics:
    """The collector's metrics, in the registry given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Histogram(
            "mostread_collector_request_duration_seconds",
            "Requests by route and status, and how long until they were answered.",
            ["route", "status"],
            buckets=SECONDS,
            registry=registry,
        )
        self._events = Counter(
            "mostread_collector_events",
            "Events by outcome: accepted (in Kafka), rejected or dropped, with the reason.",
            ["outcome", "reason"],
            registry=registry,
        )
        self.records = Counter(
            "mostread_collector_records",
            "Records handed to the producer for the events topic.",
            registry=registry,
        )
        self.failed = Counter(
            "mostread_collector_failed_records",
            "Records that Kafka did not acknowledge; they may be in the log or not.",
            registry=registry,
        )
        self._record_bytes = Histogram(
            "mostread_collector_record_bytes",
            "Size of what was gathered into one record for Kafka.",
            buckets=[256 * 4**n for n in range(7)],
            registry=registry,
        )
        self._acks = Histogram(
            "mostread_collector_kafka_ack_duration_seconds",
            "From handing a record to the producer until Kafka acknowledged it.",
            buckets=SECONDS,
            registry=registry,
        )
        self.pending_bytes = Gauge(
            "mostread_collector_inflight_bytes",
            "Bytes of events that wait for Kafka, gathered or under way.",
            registry=registry,
        )
        self.partitions = Gauge(
            "mostread_collector_partitions",
            "Partitions of the events topic that this collector sends to.",
            registry=registry,
        )
        self.tokens_file_invalid = Gauge(
            "mostread_collector_tokens_file_invalid",
            "1 while the file of tokens cannot be read and those it held before are used.",
            registry=registry,
        )
        self.connections = Gauge(
            "mostread_collector_connections",
            "Open connections of clients.",
            registry=registry,
        )
        self._cut = Counter(
            "mostread_collector_connections_closed",
            "Connections the collector closed: max_connections, timeout or max_buffered_bytes.",
            ["reason"],
            registry=registry,
        )
        self.waiting_requests = Gauge(
            "mostread_collector_inflight_requests",
            "Requests whose events wait for Kafka's acknowledgement.",
            registry=registry,
        )
        self.cut = {reason: self._cut.labels(reason) for reason in CloseReason}
        self.acknowledged = self._acks.observe
        self.gathered = self._record_bytes.observe
        self.accepted = self._events.labels("accepted", "")
        self.rejected = {reason: self._events.labels("rejected", reason) for reason in Reason}
        self.dropped = {reason: self._events.labels("dropped", reason) for reason in DropReason}
        self._answers: dict[tuple[str, int], Histogram] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is its pattern, so that paths cannot make new series."""
        child = self._answers.get((route, status))
        if child is None:
            child = self._answers[route, status] = self._requests.labels(route, status)
        child.observe(seconds)
