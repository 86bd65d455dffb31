"""Settings that every HTTP service shares."""

from typing import Literal

from pydantic import Field

from mostread.infra.settings import Settings


class ServiceSettings(Settings):
    """How a service speaks of itself."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least that is logged: DEBUG, INFO, WARNING or ERROR."
    )
    http_max_connections: int = Field(
        10_000,
        ge=10,
        le=1_000_000,
        description="The most connections of one process; beyond it the one that has kept us "
        "waiting longest is cut.",
    )
    http_client_timeout_seconds: float = Field(
        75,
        ge=1,
        le=3600,
        description="How long a client may take to send a request or to take an answer, or be "
        "silent. Let a proxy close idle connections sooner.",
    )
    http_max_buffered_bytes: int = Field(
        64 << 20,
        ge=4 << 20,
        description="The most that is held of requests that are not whole yet; beyond it the "
        "oldest of them is cut.",
    )
