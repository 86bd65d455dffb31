"""Where Kafka is."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class KafkaSettings(BaseSettings):
    """Settings of every process that speaks to Kafka."""

    model_config = SettingsConfigDict(env_prefix="MOSTREAD_", frozen=True)

    kafka_brokers: str = Field(
        "127.0.0.1:8084", description="Bootstrap brokers, host:port, separated by commas."
    )
    kafka_topic_prefix: str = Field(
        "engagement.", description="What the names of the three topics begin with."
    )

    @property
    def bootstrap_servers(self) -> list[str]:
        return [broker.strip() for broker in self.kafka_brokers.split(",") if broker.strip()]

    @property
    def events_topic(self) -> str:
        return f"{self.kafka_topic_prefix}events"

    @property
    def articles_topic(self) -> str:
        return f"{self.kafka_topic_prefix}articles"

    @property
    def dead_letters_topic(self) -> str:
        return f"{self.kafka_topic_prefix}dead-letters"
