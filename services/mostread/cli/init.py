"""`mostread init`: create the topics and the tables that are not there yet."""

import click
from pydantic import Field

from mostread.infra.clickhouse.migrations import migrate
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings


class InitSettings(KafkaSettings, ClickHouseSettings):
    """What `mostread init` creates."""

    init_partitions: int = Field(
        8,
        ge=1,
        le=10_000,
        description="Partitions of the events topic: the most workers there can be.",
    )
    init_replication: int = Field(
        -1, ge=-1, le=32_767, description="Replicas of each topic; -1 is the broker's default."
    )
    init_retention_days: int = Field(
        30, ge=1, description="How long events stay in Kafka, and so how far back one can recount."
    )


@click.command()
def init() -> None:
    """Create missing topics and tables. Running it again changes nothing."""
    settings = InitSettings()
    wanted = topics.configurations(
        settings,
        partitions=settings.init_partitions,
        replication=settings.init_replication,
        retention_days=settings.init_retention_days,
    )
    with topics.admin(settings) as client:
        created = topics.create_missing(client, wanted)
        topics.check_configured(client, wanted)
    for name in created:
        click.echo(f"created topic {name}")
    applied = migrate(settings)
    for name in applied:
        click.echo(f"applied migration {name}")
    if not created and not applied:
        click.echo("nothing to do: topics and tables are there")
