"""Settings of the aggregator."""

from typing import Literal

from pydantic import Field

from mostread.core.counting.batch import AllowedLateness
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.http.config import ServiceSettings
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.settings import CountingSettings


class AggregatorSettings(CountingSettings, KafkaSettings, ClickHouseSettings, ServiceSettings):
    """Settings of one aggregator worker, read once at start."""

    aggregator_host: str = Field("127.0.0.1", description="Listen address.")
    aggregator_port: int = Field(8082, ge=0, le=65_535, description="Port for metrics and health.")
    aggregator_group: str = Field(
        "mostread-aggregator",
        description="Consumer group; its workers share the partitions. The articles topic has a "
        "group of its own, with `-articles` appended to this name.",
    )
    aggregator_transport: Literal["auto", "fast", "stock"] = Field(
        "auto",
        description="How to read from Kafka: `fast` needs the versions of Faust and aiokafka that "
        "mostread pins, `stock` takes any and is slower, `auto` takes the fast one if it can.",
    )
    aggregator_instance_id: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,249}$",
        description="Id of this worker that no other has and that stays the same over restarts, "
        "for static membership: a restart within the session timeout does not move partitions. "
        "Empty: the group rebalances at every start and stop.",
    )
    aggregator_flush_interval_seconds: float = Field(
        1.0,
        gt=0,
        le=60,
        description="Interval between flushes to ClickHouse, in seconds.",
    )
    aggregator_max_buffered_bytes: int = Field(
        32 << 20,
        ge=1 << 20,
        description="Bytes of counted, unwritten batches that trigger a flush at once.",
    )
    aggregator_counter_cache_size: int = Field(
        400_000,
        ge=1_000,
        description="Counters to keep in memory, about 350 bytes each.",
    )
    aggregator_sketch_cache_size: int = Field(
        1_500,
        ge=0,
        description="Visitor sketches to keep in memory, at most 12 KB each.",
    )
    aggregator_session_timeout_seconds: float = Field(
        20.0,
        ge=6,
        le=60,
        description="Silence after which another worker gets the partitions, in seconds. A worker "
        "with an instance id keeps them over a restart that takes less.",
    )
    aggregator_shutdown_timeout_seconds: float = Field(
        25.0,
        gt=0,
        description="Time limit of an orderly shutdown.",
    )
    aggregator_watchdog_seconds: float = Field(
        600.0,
        ge=0,
        description="Time in seconds after which a worker that has work and has written nothing "
        "restarts, once until something is written again. 0 switches the watchdog off.",
    )

    aggregator_skip_after: float = Field(
        0.0,
        ge=0,
        description="Seconds after which a worker skips a batch that cannot be read, and loses "
        "its events; 0: never, `mostread skip` decides.",
    )

    @property
    def articles_group(self) -> str:
        return f"{self.aggregator_group}-articles"

    @property
    def allowed_lateness(self) -> AllowedLateness:
        return AllowedLateness(late_ms=self.allowed_lateness_ms, future_ms=self.max_clock_skew_ms)
