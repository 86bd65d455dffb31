"""Settings of the audit."""

from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.aggregator._m__counting import CountingSettings
from mostread.infra.kafka.config import KafkaSettings


class AuditSettings(CountingSettings, KafkaSettings, ClickHouseSettings):
    """Where the log and the counters are, and the rules that they were counted by."""
