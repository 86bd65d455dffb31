"""Settings of the aggregator."""

from pydantic import Field

from mostread.core.counting.batch import Lateness
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.http.config import ServiceSettings
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.settings import CountingSettings


class AggregatorSettings(CountingSettings, KafkaSettings, ClickHouseSettings, ServiceSettings):
    """What one worker of the aggregator needs to know. All of them are read once, at start."""

    aggregator_host: str = Field("127.0.0.1", description="The address to listen on.")
    aggregator_port: int = Field(8082, ge=0, le=65_535, description="Metrics and health only.")
    aggregator_group: str = Field(
        "mostread-aggregator", description="Consumer group: its workers share the partitions."
    )
    aggregator_flush_interval_seconds: float = Field(
        1.0,
        gt=0,
        le=60,
        description="How often counters are written; a hot article's row no oftener.",
    )
    aggregator_max_buffered_bytes: int = Field(
        32 << 20,
        ge=1 << 20,
        description="Memory of what is gathered, in bytes, at which it is written at once.",
    )
    aggregator_counter_cache_size: int = Field(
        400_000, ge=1_000, description="Counters a worker keeps in memory, about 350 bytes each."
    )
    aggregator_sketch_cache_size: int = Field(
        1_500,
        ge=0,
        description="Hours of articles whose visitors a worker watches; 12 KB each at most.",
    )
    aggregator_session_timeout_seconds: float = Field(
        20.0, ge=6, le=60, description="After this silence another worker takes the partitions."
    )
    aggregator_shutdown_timeout_seconds: float = Field(
        25.0, gt=0, description="How long an orderly stop may take before it is cut short."
    )

    @property
    def lateness(self) -> Lateness:
        return Lateness(late_ms=self.allowed_lateness_ms, future_ms=self.max_clock_skew_ms)
