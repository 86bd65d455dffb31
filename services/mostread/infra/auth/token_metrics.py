"""Prometheus metrics of the tokens of a service."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from mostread.infra.auth.tokens import Token, current_tokens
from mostread.infra.clock import now_ms

_SHOWN_MS = 86_400_000
"""Time for which the metric shows a token that has expired."""


class TokenMetrics:
    """The metrics of the tokens of a service, registered in `registry`."""

    def __init__(self, service: str, registry: CollectorRegistry) -> None:
        self.file_invalid = Gauge(
            f"mostread_{service}_tokens_file_invalid",
            "1 while the tokens file cannot be read and its previous tokens remain in use.",
            registry=registry,
        )
        self.expiry = NextExpiry(f"mostread_{service}_token_expiry_timestamp_seconds", registry)


class NextExpiry(Collector):
    """Gauge by role: when the next of the current `tokens` expires.

    It does not name the token, because some have the names of people.
    """

    label_names = ("role",)

    def __init__(self, name: str, registry: CollectorRegistry) -> None:
        self.tokens: Iterable[Token] = ()
        self._name = name
        registry.register(self)

    def describe(self) -> list[GaugeMetricFamily]:
        """Return the gauge without samples."""
        return [self._family()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the gauge."""
        family = self._family()
        oldest = (now_ms() - _SHOWN_MS) / 1000
        next_by_role: dict[str, float] = {}
        for token in current_tokens(self.tokens):
            if token.expires is not None and (expiry := token.expires.timestamp()) > oldest:
                next_by_role[token.role] = min(expiry, next_by_role.get(token.role, expiry))
        for role, expiry in next_by_role.items():
            family.add_metric([role], expiry)
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            self._name,
            "Unix time at which the next token of a role expires, or expired within the last day; "
            "absent without any. A token that another of its name replaces does not count.",
            labels=self.label_names,
        )
