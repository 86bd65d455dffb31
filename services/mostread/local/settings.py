"""What the embedded stack can be told, beside what its services can."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LocalSettings(BaseSettings):
    """Settings of `mostread up` and `mostread demo`."""

    model_config = SettingsConfigDict(env_prefix="MOSTREAD_", frozen=True)

    maven_repository: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="A mirror of Maven Central, from which Apache Kafka is fetched, once; empty: "
        "Maven Central itself.",
    )
