"""Settings that all HTTP services share."""

from typing import Literal

from pydantic import Field

from mostread.infra.settings import Settings


class ServiceSettings(Settings):
    """Logging and connection limits of a service."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Minimum level of log lines: DEBUG, INFO, WARNING or ERROR."
    )
    http_max_connections: int = Field(
        10_000,
        ge=10,
        le=1_000_000,
        description="Maximum connections per process. At the limit, the service closes the "
        "connection that has waited longest for its client.",
    )
    http_client_timeout_seconds: float = Field(
        75,
        ge=1,
        le=3600,
        description="Time a client has to send a request, to read a response, or to use an idle "
        "connection again. Give a proxy a shorter idle timeout.",
    )
    http_max_buffered_bytes: int = Field(
        64 << 20,
        ge=4 << 20,
        description="Maximum bytes buffered for incomplete requests, per process. At the limit, "
        "the service closes the connections whose requests began first.",
    )
