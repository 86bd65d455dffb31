"""Prometheus metrics that prometheus-client does not provide."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class RequestDurations(Collector):
    """Histogram of durations in seconds, by route and status.

    prometheus-client's own histogram takes a lock for each of its values, which costs as much as
    the rest of a cached response. All observations here are made in one event loop.
    """

    def __init__(
        self, name: str, documentation: str, bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self.label_names = ("route", "status")
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
        return HistogramMetricFamily(self._name, self._documentation, labels=self.label_names)


class CountedElsewhere(Collector):
    """Counter by one label, whose values another process counts."""

    def __init__(
        self, name: str, documentation: str, label: str, registry: CollectorRegistry
    ) -> None:
        self.label_names = (label,)
        self._name = name
        self._documentation = documentation
        self._values: dict[str, float] = {}
        registry.register(self)

    def set(self, label: str, value: float) -> None:
        """Replace the value of a label."""
        self._values[label] = value

    def describe(self) -> list[CounterMetricFamily]:
        """Return the counter without samples."""
        return [self._family()]

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Return the counter."""
        family = self._family()
        for label, value in self._values.items():
            family.add_metric([label], value)
        yield family

    def _family(self) -> CounterMetricFamily:
        return CounterMetricFamily(self._name, self._documentation, labels=self.label_names)
