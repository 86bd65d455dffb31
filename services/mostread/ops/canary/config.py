"""Settings of the canary."""

from pydantic import Field, SecretStr

from mostread.infra.http.config import ServiceSettings, ServiceUrl


class CanarySettings(ServiceSettings):
    """Settings of `mostread canary`."""

    canary_host: str = Field("127.0.0.1", description="Address to listen on.")
    canary_port: int = Field(
        8086, ge=1, le=65535, description="Port for metrics and health checks."
    )
    canary_collector_url: ServiceUrl = Field(
        "http://127.0.0.1:8081",
        description="Collector to send events to; preferably its public URL.",
    )
    canary_ranking_url: ServiceUrl = Field(
        "http://127.0.0.1:8080", description="Ranking service whose list must show the events."
    )
    canary_token: SecretStr = Field(
        SecretStr(""),
        description="Token with the role emit: `mostread token create canary --role emit`.",
    )
    canary_interval_seconds: float = Field(
        60, ge=1, le=3600, description="Seconds between two events."
    )
    canary_timeout_seconds: float = Field(
        30, ge=1, le=3600, description="Seconds until an event that no list shows counts as failed."
    )
