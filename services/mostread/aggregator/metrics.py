"""Every metric of the aggregator, with what it means."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TABLES = ("counters", "visitors", "checkpoints", "articles", "placement_log", "placements")


class AggregatorMetrics:
    """Counted per flush, never per event. After a crash a stretch is counted again here, and
    only here: the table `checkpoints` has the exact numbers.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "mostread_aggregator_events_total",
            "Events by what became of them; their sum is what was received.",
            ["outcome"],  # counted, duplicate, late, dead_lettered
            registry=registry,
        )
        for outcome in ("counted", "duplicate", "late", "dead_lettered"):
            self.events.labels(outcome)
        self.received = Counter(
            "mostread_aggregator_received_events_total",
            "Events read from the log, counted apart from what became of them.",
            registry=registry,
        )
        self.flush_events = Histogram(
            "mostread_aggregator_flush_events",
            "Events of one flush, of those that had any.",
            buckets=[10**n for n in range(7)],
            registry=registry,
        )
        self.flushes = Histogram(
            "mostread_aggregator_flush_duration_seconds",
            "From closing a stretch to its rows and checkpoints in ClickHouse.",
            buckets=SECONDS,
            registry=registry,
        )
        self._inserts = Histogram(
            "mostread_aggregator_insert_duration_seconds",
            "From sending rows to ClickHouse until it has written them.",
            ["table"],
            buckets=SECONDS,
            registry=registry,
        )
        self._rows = Counter(
            "mostread_aggregator_rows_total",
            "Rows written to ClickHouse, by table.",
            ["table"],
            registry=registry,
        )
        self.looked_up = Counter(
            "mostread_aggregator_counter_cache_misses_total",
            "Counters that were not in memory and had to be asked of ClickHouse.",
            registry=registry,
        )
        self.troubles = Counter(
            "mostread_aggregator_retries_total",
            "Calls retried after a failure, by the dependency that failed.",
            ["dependency"],
            registry=registry,
        )
        # A counter that appears with its first increase has none for whoever asks how it grew.
        for dependency in ("kafka", "clickhouse"):
            self.troubles.labels(dependency)
        for table in TABLES:
            self._rows.labels(table)
            self._inserts.labels(table)
        self.lag = Gauge(
            "mostread_aggregator_lag_records",
            "Records in the log that are not counted yet.",
            ["partition"],
            registry=registry,
        )
        self.watermark = Gauge(
            "mostread_aggregator_watermark_timestamp_seconds",
            "Unix time up to which every event received is counted.",
            ["partition"],
            registry=registry,
        )
        self.lost = Counter(
            "mostread_aggregator_records_lost_total",
            "Records that Kafka's retention removed before they were counted.",
            registry=registry,
        )
        self.open_bytes = Gauge(
            "mostread_aggregator_buffered_bytes",
            "Memory, in bytes, of what is counted and not yet written.",
            registry=registry,
        )
        self.remembered = Gauge(
            "mostread_aggregator_dedup_ids",
            "Event ids kept in memory to know duplicates.",
            registry=registry,
        )

    def inserted(self, table: str, rows: int, seconds: float) -> None:
        """Count an insert that ClickHouse has acknowledged."""
        self._inserts.labels(table).observe(seconds)
        self._rows.labels(table).inc(rows)
