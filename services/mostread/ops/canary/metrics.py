"""Every metric of the canary."""

import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mostread.ops.canary.probe import Reason


class CanaryMetrics:
    """The canary's metrics, in the registry given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.visible = Histogram(
            "mostread_canary_end_to_end_duration_seconds",
            "From sending an event until it is in the list.",
            buckets=(0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120),
            registry=registry,
        )
        self.latest = Gauge(
            "mostread_canary_last_end_to_end_duration_seconds",
            "The same of the latest event that came into the list.",
            registry=registry,
        )
        self.latest.set(math.nan)  # none yet
        self.succeeded_at = Gauge(
            "mostread_canary_last_success_timestamp_seconds",
            "Unix time at which the latest event was seen in the list; at first, of the start.",
            registry=registry,
        )
        self._failures = Counter(
            "mostread_canary_failures_total",
            "Events that did not come through: not_taken by the collector, or not_listed in time.",
            ["reason"],
            registry=registry,
        )
        self.failures = {reason: self._failures.labels(reason) for reason in Reason}
