"""Topics and tables of a new installation."""

from typing import NamedTuple

from pydantic import Field

from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import migrate
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings


class InitSettings(KafkaSettings, ClickHouseSettings):
    """Settings of `mostread init`."""

    init_partitions: int = Field(
        8,
        ge=1,
        le=10_000,
        description="Partitions of the events topic; the maximum number of aggregators.",
    )
    init_replication: int = Field(
        -1, ge=-1, le=32_767, description="Replicas of each topic; -1 for the broker's default."
    )
    init_retention_days: int = Field(
        30,
        ge=1,
        description="Days to retain events in Kafka; limits how far back a rebuild can count.",
    )


class Created(NamedTuple):
    """Names of created topics and applied migrations."""

    topics: list[str]
    migrations: list[str]


def bootstrap(settings: InitSettings) -> Created:
    """Create missing topics and apply missing migrations; idempotent.

    Raises KafkaUnavailable, ClickHouseUnavailable or Misconfigured.
    """
    wanted = topics.configurations(
        settings,
        partitions=settings.init_partitions,
        replication=settings.init_replication,
        retention_days=settings.init_retention_days,
    )
    with topics.admin(settings) as client:
        created = topics.create_missing(client, wanted)
        topics.check_configured(client, settings, wanted)
    return Created(created, migrate(settings))
