"""Durations of requests, as a Prometheus histogram."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

LABELS = ("route", "status")


class RequestDurations(Collector):
    """Histogram of durations in seconds, by route and status.

    prometheus-client's own histogram takes a lock for each of its values, which costs as much as
    the rest of a cached response. All observations here are made in one event loop.
    """

    def __init__(
        self, name: str, documentation: str, bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = bounds
        self._counts: dict[tuple[str, int], list[int]] = {}
        self._sums: dict[tuple[str, int], float] = {}
        registry.register(self)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Record a response; `route` is a pattern, so that paths cannot create new series."""
        key = (route, status)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0] * (len(self._bounds) + 1)
            self._sums[key] = 0.0
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[key] += seconds

    def describe(self) -> list[HistogramMetricFamily]:
        """Return the histogram without samples."""
        return [self._family()]

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Return the histogram."""
        family = self._family()
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        for (route, status), counts in self._counts.items():
            buckets: list[tuple[str, float]] = []
            total = 0
            for name, count in zip(names, counts, strict=True):
                total += count
                buckets.append((name, float(total)))
            family.add_metric([route, str(status)], buckets, self._sums[route, status])
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=LABELS)
