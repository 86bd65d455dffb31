"""Deployment sizes for a given traffic, computed from measured costs."""

import math

import msgspec
import numpy as np

from mostread.core import retention
from mostread.ops.capacity import costs

MIN_PARTITIONS = 8
_MIN_PROCESSES = 2
"""One may fail."""
_SKETCH_HOURS = retention.VISITOR_SKETCH_TTL_SECONDS // 3600


class ExpectedTraffic(msgspec.Struct, frozen=True):
    """Expected traffic and redundancy.

    `articles` are read per day, with Zipf-distributed views; each of `sites` has as many of them.
    `peak` is the rate of the busiest hour relative to the average.
    """

    events_per_day: int
    articles: int
    sites: int = 1
    peak: float = 3.0
    headroom: float = 2.0
    events_per_request: int = 1
    lists_per_second: int = 1_000
    recovery_seconds: int = 120
    retention_days: int = 7
    brokers: int = 3
    replication: int = 3
    clickhouse_replicas: int = 3


class DeploymentSizes(msgspec.Struct, frozen=True):
    """Required processes, memory and disks; rates are events per second unless named otherwise.

    `lookup_percent` is the part of a worker's time that lookups take at the peak when no counter is
    in its memory.
    """

    average_rate: int
    peak_rate: int
    collector_cores: int
    aggregator_workers: int
    worker_memory_bytes: int
    lookup_percent: int
    recovery_seconds: int
    hour_catch_up_minutes: int
    ranking_cores: int
    partitions: int
    kafka_disk_bytes: int
    kafka_write_bytes: int
    counter_rows: int
    counter_rows_per_second: int
    sketch_rows: int
    clickhouse_disk_bytes: int
    clickhouse_memory_bytes: int
    list_milliseconds: int


def deployment_sizes(traffic: ExpectedTraffic) -> DeploymentSizes:
    """Return the deployment that `traffic` requires."""
    average = traffic.events_per_day / retention.DAY_SECONDS
    peak = average * traffic.peak
    # Partition recovery rereads the dedup window; after the loss of one worker, the others take
    # over its partitions.
    dedup_ids = peak * retention.DEDUP_REREAD_MS / 1000
    reread_seconds = dedup_ids / costs.BENCHMARK.reread_events_per_second
    # Minute, hour, week and total of each article read since the previous flush.
    changed_counters = 4 * distinct_articles(peak, traffic.articles)
    counting = (
        peak / costs.BENCHMARK.aggregator_events_per_worker
        + changed_counters / costs.COUNTER_WRITES_PER_CORE
    )
    workers = max(
        _MIN_PROCESSES,
        math.ceil(counting * traffic.headroom),
        math.ceil(reread_seconds / traffic.recovery_seconds) + 1,
    )
    partitions = max(MIN_PARTITIONS, _next_power_of_two(4 * workers))
    events_per_core = (
        costs.BENCHMARK.collector_events_per_core
        if traffic.events_per_request < 200
        else costs.BENCHMARK.collector_batched_events_per_core
    )
    minute_days = retention.MINUTE_ROW_TTL_SECONDS // retention.DAY_SECONDS
    hour_days = retention.HOUR_ROW_TTL_SECONDS // retention.DAY_SECONDS
    minutes = distinct_articles(average * 60, traffic.articles) * 24 * 60
    hours = distinct_articles(average * 3600, traffic.articles) * 24
    weeks = distinct_articles(average * 7 * retention.DAY_SECONDS, traffic.articles) / 7
    rows = minutes * minute_days + (hours + weeks) * hour_days + traffic.articles
    sketches = workers * costs.SKETCHES_PER_WORKER_HOUR * _SKETCH_HOURS
    # Lists hold a row per article, and read the rows of the last day from the page cache.
    listed = distinct_articles(traffic.events_per_day, traffic.articles) / traffic.sites
    list_bytes = costs.LISTS_AT_ONCE * costs.LIST_BYTES_PER_ARTICLE * listed
    cached_bytes = (minutes + hours) * costs.COUNTER_ROW_BYTES
    retained_bytes = traffic.events_per_day * traffic.retention_days * costs.KAFKA_BYTES_PER_EVENT
    backlog = peak * 3600
    spare_rate = workers * costs.BENCHMARK.aggregator_events_per_worker - peak
    return DeploymentSizes(
        average_rate=round(average),
        peak_rate=round(peak),
        collector_cores=max(_MIN_PROCESSES, math.ceil(peak * traffic.headroom / events_per_core)),
        aggregator_workers=workers,
        worker_memory_bytes=round(
            costs.BENCHMARK.worker_bytes_at_start
            + costs.COUNTERS_IN_MEMORY * costs.COUNTER_BYTES_IN_MEMORY
            + dedup_ids / (workers - 1) * costs.ID_BYTES
        ),
        lookup_percent=math.ceil(
            100 * changed_counters / workers / costs.BENCHMARK.lookups_per_second
        ),
        recovery_seconds=math.ceil(reread_seconds / (workers - 1)),
        hour_catch_up_minutes=math.ceil(backlog / spare_rate / 60),
        ranking_cores=max(
            _MIN_PROCESSES,
            math.ceil(
                traffic.lists_per_second * traffic.headroom / costs.BENCHMARK.ranking_lists_per_core
            ),
        ),
        partitions=partitions,
        kafka_disk_bytes=round(
            retained_bytes * traffic.replication / traffic.brokers * traffic.headroom
        ),
        kafka_write_bytes=round(
            peak * costs.KAFKA_BYTES_PER_EVENT * traffic.replication / traffic.brokers
        ),
        counter_rows=round(rows),
        counter_rows_per_second=round(changed_counters),
        sketch_rows=sketches,
        clickhouse_disk_bytes=round(
            (rows * costs.COUNTER_ROW_BYTES + sketches * costs.SKETCH_ROW_BYTES) * traffic.headroom
        ),
        clickhouse_memory_bytes=round(
            (costs.CLICKHOUSE_BYTES + list_bytes + cached_bytes) * traffic.headroom
        ),
        # A 24-hour list reads hours, and on average half an hour of minutes at its two edges.
        list_milliseconds=math.ceil(
            costs.LIST_MS + (hours + minutes / 24 / 2) / traffic.sites / costs.LIST_ROWS_PER_MS
        ),
    )


def distinct_articles(events: float, articles: int) -> float:
    """Return the expected number of distinct articles among `events` events.

    An article with the share p of all events occurs with probability 1 - (1-p)^events. The curve
    is concave, so a varying rate yields fewer than its average.
    """
    ranks = np.arange(1, articles + 1, dtype=np.float64)
    shares = 1 / ranks / np.sum(1 / ranks)
    return float(np.sum(-np.expm1(events * np.log1p(-np.minimum(shares, 1 - 1e-12)))))


def _next_power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()
