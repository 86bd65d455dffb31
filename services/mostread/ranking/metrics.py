"""Prometheus metrics of the ranking service."""

import math
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mostread.infra.auth.token_metrics import TokenMetrics
from mostread.infra.http.metrics import CountedElsewhere, RequestDurations

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Lookup = Literal["hit", "revalidating", "stale", "miss"]
Outcome = Literal["done", "failed"]


class CacheMetrics:
    """Counters of the cache of one resource."""

    def __init__(self, resource: str, lookups: Counter, refreshes: Counter) -> None:
        self.resource = resource
        self.lookups: dict[Lookup, Counter] = {
            lookup: lookups.labels(resource, lookup) for lookup in get_args(Lookup)
        }
        self.refreshes: dict[Outcome, Counter] = {
            outcome: refreshes.labels(resource, outcome) for outcome in get_args(Outcome)
        }


class RankingMetrics:
    """The metrics of the ranking service, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = RequestDurations(
            "mostread_ranking_request_duration_seconds",
            "Time from the arrival of a request to its response.",
            _BUCKETS,
            registry,
        )
        self.query_seconds = Histogram(
            "mostread_ranking_query_duration_seconds",
            "Duration of ClickHouse queries, by the name of the SQL file.",
            ["query"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._refreshes = Counter(
            "mostread_ranking_cache_refreshes_total",
            "Refreshes of cached values from ClickHouse (outcome: done, failed).",
            ["resource", "outcome"],
            registry=registry,
        )
        self._responses = Counter(
            "mostread_ranking_responses_total",
            "Cache lookups by result (cache: hit, revalidating, stale, miss).",
            ["resource", "cache"],
            registry=registry,
        )
        self.as_of = Gauge(
            "mostread_ranking_watermark_timestamp_seconds",
            "Unix time up to which every event received is counted, over all partitions.",
            registry=registry,
        )
        self.as_of.set(math.nan)  # unknown so far; 0 would mean a delay of half a century
        self.event_outcomes = CountedElsewhere(
            "mostread_ranking_event_outcomes_total",
            "Exact number of events by outcome, from the table checkpoint_versions.",
            "outcome",
            registry,
        )
        self.undescribed = Gauge(
            "mostread_ranking_undescribed_articles",
            "Articles with views in the last 24 hours that lists leave out because the CMS has "
            "not described them; absent without any.",
            ["site"],
            registry=registry,
        )
        self.stream_clients = Gauge(
            "mostread_ranking_stream_clients",
            "Clients connected to GET /v1/stream and GET /live.",
            registry=registry,
        )
        self.stream_events = Counter(
            "mostread_ranking_stream_events_total",
            "Lists sent to stream clients.",
            registry=registry,
        )
        self.tokens = TokenMetrics("ranking", registry)

    def cache(self, resource: str) -> CacheMetrics:
        """Return the counters of the cache of a resource."""
        return CacheMetrics(resource, self._responses, self._refreshes)
