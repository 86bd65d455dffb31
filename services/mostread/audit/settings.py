"""Settings of the audit."""

from mostread.clickhouse.settings import ClickHouseSettings
from mostread.counting import CountingSettings
from mostread.kafka.settings import KafkaSettings


class AuditSettings(CountingSettings, KafkaSettings, ClickHouseSettings):
    """Where the log and the counters are, and the rules that they were counted by."""
