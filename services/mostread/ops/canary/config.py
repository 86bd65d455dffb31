"""Every setting of the canary."""

from pydantic import Field, SecretStr, field_validator

from mostread.infra.http.config import ServiceSettings


class CanarySettings(ServiceSettings):
    """Where it sends its events, where it looks for them, and how often."""

    canary_host: str = Field("127.0.0.1", description="The address to listen on.")
    canary_port: int = Field(8086, ge=1, le=65535, description="Metrics and health only.")
    canary_collector_url: str = Field(
        "http://127.0.0.1:8081",
        description="Where it sends its events; best the address that readers have.",
    )
    canary_ranking_url: str = Field(
        "http://127.0.0.1:8080", description="Where it looks for them in the list."
    )
    canary_token: SecretStr = Field(
        SecretStr(""),
        description="A token of the role emit: `mostread token create canary --role emit`.",
    )
    canary_interval_seconds: float = Field(
        60, ge=1, le=3600, description="How often it sends an event."
    )
    canary_timeout_seconds: float = Field(
        30, ge=1, le=3600, description="After how long an event that is in no list has failed."
    )

    @field_validator("canary_collector_url", "canary_ranking_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("write an address, like http://127.0.0.1:8081")
        return value.rstrip("/")
