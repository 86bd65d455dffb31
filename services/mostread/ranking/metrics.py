"""Every metric of the ranking service."""

import math
import time
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mostread.infra.http.problems import Handler

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The service's own metrics, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request_seconds = Histogram(
            "mostread_ranking_request_duration_seconds",
            "Time from a request's arrival to its answer.",
            ["route", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.query_seconds = Histogram(
            "mostread_ranking_query_duration_seconds",
            "Time of one query to ClickHouse, by the name of its file.",
            ["query"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.computations = Counter(
            "mostread_ranking_cache_refreshes_total",
            "Refreshes of cached values from ClickHouse (outcome: done, failed).",
            ["resource", "outcome"],
            registry=registry,
        )
        self.answers = Counter(
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
        self.as_of.set(math.nan)  # not known yet; 0 would say that lists are half a century old
        self.progress = Gauge(
            "mostread_ranking_event_outcomes",
            "Events in the table checkpoints, exactly: received, and what became of them.",
            ["outcome"],
            registry=registry,
        )
        self.stream_clients = Gauge(
            "mostread_ranking_stream_clients",
            "Clients that follow a list by GET /v1/stream.",
            registry=registry,
        )
        self.stream_events = Counter(
            "mostread_ranking_stream_events_total",
            "Lists sent to clients that follow them.",
            registry=registry,
        )
        self.tokens_file_invalid = Gauge(
            "mostread_ranking_tokens_file_invalid",
            "1 while the file of tokens cannot be read and those it held before are used.",
            registry=registry,
        )


def observed(metrics: Metrics) -> Any:
    """Return the middleware that measures each request by its route and status."""

    # Finding a metric by its labels would cost as much as the rest of this.
    known: dict[tuple[str, int], Histogram] = {}

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        response = await handler(request)
        if not isinstance(response, web.Response):
            return response  # a stream: how long it lasted says nothing of how fast it was
        resource = request.match_info.route.resource
        labels = (resource.canonical if resource else "none", response.status)
        seconds = known.get(labels)
        if seconds is None:
            seconds = known[labels] = metrics.request_seconds.labels(*labels)
        seconds.observe(time.perf_counter() - started)
        return response

    return observe
