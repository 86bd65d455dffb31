"""From traffic to machines. Pure arithmetic: every figure it rests on is in costs.py."""

import math

import msgspec
import numpy as np

from mostread.ops.capacity import costs

DAY_SECONDS = 86_400


class Traffic(msgspec.Struct, frozen=True):
    """What is asked for. `articles` are read in a day; the second of them half as often as the
    first, the third a third, as on a news page. `peak` is the busiest hour's rate to the average.
    """

    events_per_day: int
    articles: int
    peak: float = 3.0
    headroom: float = 2.0
    events_per_request: int = 1
    lists_per_second: int = 1_000
    takeover_seconds: int = 120
    retention_days: int = 7
    brokers: int = 3
    replication: int = 3
    clickhouse_replicas: int = 3


class Sizes(msgspec.Struct, frozen=True):
    """What it takes; rates are a second's, of events unless they say otherwise."""

    average_rate: int
    peak_rate: int
    collector_cores: int
    aggregator_workers: int
    worker_memory_bytes: int
    takeover_seconds: int
    hour_catch_up_minutes: int
    ranking_cores: int
    partitions: int
    kafka_disk_bytes: int
    kafka_write_bytes: int
    counter_rows: int
    counter_rows_per_second: int
    clickhouse_disk_bytes: int
    list_milliseconds: int


def sizes(traffic: Traffic) -> Sizes:
    """Return what `traffic` needs."""
    average = traffic.events_per_day / DAY_SECONDS
    peak = average * traffic.peak
    # Whoever takes partitions over first reads the ids of their recent past; where one worker is
    # gone, the others have its share too. At least two, so that one may be.
    remembered = peak * costs.ID_SECONDS
    reread = remembered / costs.REREAD_EVENTS_A_SECOND
    workers = max(
        2,
        math.ceil(peak * traffic.headroom / costs.AGGREGATOR_EVENTS_A_WORKER),
        math.ceil(reread / traffic.takeover_seconds) + 1,
    )
    partitions = max(8, _next_power_of_two(4 * workers))
    collecting = (
        costs.COLLECTOR_EVENTS_A_CORE
        if traffic.events_per_request < 200
        else costs.COLLECTOR_BATCHED_EVENTS_A_CORE
    )
    minutes = _read(average * 60, traffic.articles) * 24 * 60
    hours = _read(average * 3600, traffic.articles) * 24
    rows = minutes * costs.MINUTE_DAYS + hours * costs.HOUR_DAYS + traffic.articles
    kept = traffic.events_per_day * traffic.retention_days * costs.KAFKA_BYTES_AN_EVENT
    behind = peak * 3600
    spare = workers * costs.AGGREGATOR_EVENTS_A_WORKER - peak
    return Sizes(
        average_rate=round(average),
        peak_rate=round(peak),
        collector_cores=max(2, math.ceil(peak * traffic.headroom / collecting)),
        aggregator_workers=workers,
        worker_memory_bytes=round(
            costs.WORKER_BYTES
            + costs.COUNTERS_IN_MEMORY * costs.COUNTER_BYTES_IN_MEMORY
            + remembered / (workers - 1) * costs.ID_BYTES
        ),
        takeover_seconds=math.ceil(reread / (workers - 1)),
        hour_catch_up_minutes=math.ceil(behind / spare / 60),
        ranking_cores=max(
            2,
            math.ceil(traffic.lists_per_second * traffic.headroom / costs.RANKING_LISTS_A_CORE),
        ),
        partitions=partitions,
        kafka_disk_bytes=round(kept * traffic.replication / traffic.brokers * traffic.headroom),
        kafka_write_bytes=round(
            peak * costs.KAFKA_BYTES_AN_EVENT * traffic.replication / traffic.brokers
        ),
        counter_rows=round(rows),
        # Minute, hour and total of each article that was read since the flush before.
        counter_rows_per_second=round(3 * _read(peak, traffic.articles)),
        clickhouse_disk_bytes=round(rows * costs.COUNTER_ROW_BYTES * traffic.headroom),
        # A list over 24 hours reads hours, and minutes at its two edges: half an hour of them.
        list_milliseconds=math.ceil(
            costs.LIST_MS + (hours + minutes / 24 / 2) / costs.LIST_ROWS_A_MS
        ),
    )


def _read(events: float, articles: int) -> float:
    """Return how many different articles so many events are of, on average.

    An article that has the share p of all events is among them with 1 - (1-p)^events. Rates
    that go up and down give fewer than their average does, since this curve bends down.
    """
    ranks = np.arange(1, articles + 1, dtype=np.float64)
    shares = 1 / ranks / np.sum(1 / ranks)
    return float(np.sum(-np.expm1(events * np.log1p(-np.minimum(shares, 1 - 1e-12)))))


def _next_power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()
