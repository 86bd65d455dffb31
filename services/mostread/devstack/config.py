"""What the embedded stack can be told, beside what its services can."""

from pydantic import Field

from mostread.infra.settings import Settings


class LocalSettings(Settings):
    """Settings of `mostread up` and `mostread demo`."""

    maven_repository: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="A mirror of Maven Central, from which Apache Kafka is fetched, once; empty: "
        "Maven Central itself.",
    )
