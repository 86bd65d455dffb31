"""Metrics of the aggregator."""

from collections.abc import Container, Iterable, Mapping
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mostread.core.counting.batch import Outcomes
from mostread.infra.logging import get_logger

log = get_logger(__name__)

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
OUTCOMES = ("counted", "duplicate", "late", "dead_lettered", "excluded")
LossReason = Literal["retention", "skipped"]
LOSS_REASONS: tuple[LossReason, ...] = ("retention", "skipped")
TABLES = (
    "counter_versions",
    "visitor_sketches",
    "checkpoint_versions",
    "article_versions",
    "alias_versions",
    "canonical_id_versions",
    "placement_log",
    "placement_versions",
)


class Loss(NamedTuple):
    """Offsets of a partition whose records could not be counted."""

    partition: int
    offsets: range
    reason: LossReason


class Disk(NamedTuple):
    """Bytes of a disk; `server` is a broker's number or ClickHouse's host name."""

    server: str
    name: str
    free: int
    total: int


class Usage(NamedTuple):
    """Disks of a system, and bytes by topic or table."""

    disks: list[Disk]
    sizes: dict[str, int]


class AggregatorMetrics:
    """Metrics, updated per flush and never per event.

    After a crash they count a batch again; the exact numbers are in `checkpoint_versions`.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "mostread_aggregator_events_total",
            "Events by outcome; the outcomes sum to the received events.",
            ["outcome"],
            registry=registry,
        )
        for outcome in OUTCOMES:
            self._events.labels(outcome)
        self._received = Counter(
            "mostread_aggregator_received_events_total",
            "Events read from Kafka, counted independently of their outcomes.",
            registry=registry,
        )
        self._flush_events = Histogram(
            "mostread_aggregator_flush_events",
            "Events per flush, without empty flushes.",
            buckets=[10**n for n in range(7)],
            registry=registry,
        )
        self.flush_duration = Histogram(
            "mostread_aggregator_flush_duration_seconds",
            "Time from closing batches to their rows and checkpoints in ClickHouse.",
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._inserts = Histogram(
            "mostread_aggregator_insert_duration_seconds",
            "Time of one insert, until ClickHouse acknowledges it.",
            ["table"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._rows = Counter(
            "mostread_aggregator_rows_total",
            "Rows written to ClickHouse, by table.",
            ["table"],
            registry=registry,
        )
        self.cache_misses = Counter(
            "mostread_aggregator_counter_cache_misses_total",
            "Counters that were not cached and were looked up in ClickHouse.",
            registry=registry,
        )
        self.retries = Counter(
            "mostread_aggregator_retries_total",
            "Calls retried after a failure, by the dependency that failed and the work that waits.",
            ["dependency", "work"],
            registry=registry,
        )
        # Create every series at the start: a series that appears at 1 has no increase().
        for dependency in ("kafka", "clickhouse"):
            for work in ("counting", "articles"):
                self.retries.labels(dependency, work)
        for table in TABLES:
            self._rows.labels(table)
            self._inserts.labels(table)
        self.lag = Gauge(
            "mostread_aggregator_lag_records",
            "Records in Kafka that are not counted yet.",
            ["partition"],
            registry=registry,
        )
        self.articles_lag = Gauge(
            "mostread_aggregator_articles_lag_records",
            "Records of the articles topic that are not stored yet.",
            ["partition"],
            registry=registry,
        )
        self.stuck = Gauge(
            "mostread_aggregator_stuck",
            "1 if the worker has work and writes nothing, even after the watchdog restarted it.",
            registry=registry,
        )
        self._watermark = Gauge(
            "mostread_aggregator_watermark_timestamp_seconds",
            "Unix time up to which every received event is counted.",
            ["partition"],
            registry=registry,
        )
        self._ahead = Gauge(
            "mostread_aggregator_record_time_ahead_seconds",
            "By how many seconds the highest record time is ahead of the worker's clock.",
            ["partition"],
            registry=registry,
        )
        self._lost = Counter(
            "mostread_aggregator_records_lost_total",
            "Records that were never counted: Kafka's retention removed them before, or they were "
            "skipped as unreadable. One worker reports each record, once.",
            ["reason"],
            registry=registry,
        )
        for reason in LOSS_REASONS:
            self._lost.labels(reason)
        self._stopped = Gauge(
            "mostread_aggregator_stopped_partitions",
            "1 for a partition that cannot be read or has lost records that were counted, else 0.",
            ["topic", "partition"],
            registry=registry,
        )
        self._stopped_by_topic: dict[str, dict[int, bool]] = {}
        self.dead_letters_lost = Counter(
            "mostread_aggregator_dead_letters_lost_total",
            "Dead letters that their topic does not accept, logged instead.",
            registry=registry,
        )
        labels = ["system", "server", "disk"]
        self._disk_free = Gauge(
            "mostread_aggregator_disk_free_bytes",
            "Free bytes of the disks of Kafka's brokers and of ClickHouse (system), read once a "
            "minute; absent if the server or the rights of the user do not permit it.",
            labels,
            registry=registry,
        )
        self._disk_size = Gauge(
            "mostread_aggregator_disk_size_bytes",
            "Bytes of these disks, free or not.",
            labels,
            registry=registry,
        )
        self._stored = Gauge(
            "mostread_aggregator_stored_bytes",
            "Bytes of topics on the disks of all brokers, and of tables in ClickHouse.",
            ["system", "name"],
            registry=registry,
        )
        self._usage: dict[str, Usage] = {}
        self._buffered_bytes = Gauge(
            "mostread_aggregator_buffered_bytes",
            "Memory of counted, unwritten batches in bytes.",
            registry=registry,
        )
        self._dedup_ids = Gauge(
            "mostread_aggregator_dedup_ids",
            "Event ids in memory to detect duplicates.",
            registry=registry,
        )

    def report_insert(self, table: str, rows: int, seconds: float) -> None:
        """Record an insert that ClickHouse has acknowledged."""
        self._inserts.labels(table).observe(seconds)
        self._rows.labels(table).inc(rows)

    def report_flush(
        self,
        outcomes: Outcomes,
        *,
        watermarks: Mapping[int, int],
        ahead: Mapping[int, int],
        buffered_bytes: int,
        dedup_ids: int,
    ) -> None:
        """Record a flush. `watermarks` and `ahead` are in milliseconds, by partition."""
        for outcome in OUTCOMES:
            self._events.labels(outcome).inc(getattr(outcomes, outcome))
        self._received.inc(outcomes.received)
        if outcomes.received:
            self._flush_events.observe(outcomes.received)
        self._watermark.clear()
        for partition, watermark in watermarks.items():
            self._watermark.labels(partition).set(watermark / 1000)
        self._ahead.clear()
        for partition, milliseconds in ahead.items():
            self._ahead.labels(partition).set(milliseconds / 1000)
        self._buffered_bytes.set(buffered_bytes)
        self._dedup_ids.set(dedup_ids)

    def report_stopped(
        self, topic: str, partitions: Iterable[int], stopped: Container[int]
    ) -> None:
        """Set which of the assigned `partitions` of a topic are stopped."""
        self._stopped_by_topic[topic] = {number: number in stopped for number in partitions}
        self._stopped.clear()
        for name, by_partition in self._stopped_by_topic.items():
            for number, is_stopped in by_partition.items():
                self._stopped.labels(name, number).set(is_stopped)

    def report_disks(self, system: str, usage: Usage) -> None:
        """Replace what is known of the disks of a system."""
        self._usage[system] = usage
        for metric in (self._disk_free, self._disk_size, self._stored):
            metric.clear()
        for name, known in self._usage.items():
            for disk in known.disks:
                self._disk_free.labels(name, disk.server, disk.name).set(disk.free)
                self._disk_size.labels(name, disk.server, disk.name).set(disk.total)
            for stored, size in known.sizes.items():
                self._stored.labels(name, stored).set(size)

    def report_loss(self, loss: Loss) -> None:
        """Record and log offsets that were never counted."""
        log.error(
            "records_lost",
            partition=loss.partition,
            first=loss.offsets.start,
            lost=len(loss.offsets),
            reason=loss.reason,
        )
        self._lost.labels(loss.reason).inc(len(loss.offsets))
