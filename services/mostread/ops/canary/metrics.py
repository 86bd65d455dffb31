"""Metrics of the canary."""

import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mostread.ops.canary.probe import FailureReason


class CanaryMetrics:
    """The canary's metrics, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = Histogram(
            "mostread_canary_end_to_end_duration_seconds",
            "Time from sending an event until a list shows it.",
            buckets=(0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120),
            registry=registry,
        )
        self.latest = Gauge(
            "mostread_canary_last_end_to_end_duration_seconds",
            "End-to-end duration of the latest event that a list showed.",
            registry=registry,
        )
        self.latest.set(math.nan)  # until the first success
        self.succeeded_at = Gauge(
            "mostread_canary_last_success_timestamp_seconds",
            "Unix time at which a list last showed an event; initially the start time.",
            registry=registry,
        )
        self._failures = Counter(
            "mostread_canary_failures_total",
            "Failed events: not_accepted by the collector, or not_listed in time.",
            ["reason"],
            registry=registry,
        )
        self.failures = {reason: self._failures.labels(reason) for reason in FailureReason}
