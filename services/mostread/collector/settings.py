"""Every setting of the collector."""

from pydantic import Field, field_validator

from mostread.collector.tokens import parse_tokens
from mostread.kafka.settings import KafkaSettings
from mostread.web.settings import ServiceSettings

MAX_BODY_BYTES = 1 << 20
"""The most a body may hold, inflated."""

MAX_EVENTS = 1000
"""The most events one request may hold."""


class CollectorSettings(KafkaSettings, ServiceSettings):
    """What can be set; MAX_BODY_BYTES and MAX_EVENTS are part of the contract and cannot."""

    collector_host: str = Field("127.0.0.1", description="The address to listen on.")
    collector_port: int = Field(8081, ge=1, le=65535, description="The port to listen on.")
    collector_workers: int = Field(
        1,
        ge=1,
        le=256,
        description="Processes that share the port; what a process may hold, each of them may.",
    )
    collector_linger_ms: float = Field(
        5,
        ge=0,
        le=1000,
        description="How long events are gathered before they go to Kafka as one record.",
    )
    collector_max_pending_bytes: int = Field(
        64 << 20,
        ge=4 << 20,
        description="The most that may wait for Kafka; beyond it requests are answered 503.",
    )
    collector_max_requests: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="The most requests that may wait for Kafka; beyond it they are answered 503.",
    )
    collector_ack_timeout_seconds: float = Field(
        10,
        ge=2,
        le=300,
        description="How long a request waits for Kafka's acknowledgement before it is told 503.",
    )
    collector_stall_seconds: float = Field(
        3,
        ge=0.5,
        le=300,
        description="After how long without a word from Kafka requests are refused at once.",
    )
    collector_sites: str = Field(
        "",
        description="The sites whose events are counted, separated by commas; empty means any.",
    )
    collector_tokens: str = Field(
        "",
        description="Bearer tokens as name:role:sha256hex, separated by commas; a role is emit, "
        "cms or editor.",
        repr=False,
    )

    @field_validator("collector_tokens")
    @classmethod
    def _tokens_can_be_read(cls, value: str) -> str:
        parse_tokens(value)
        return value

    @property
    def sites(self) -> frozenset[str]:
        return frozenset(site.strip() for site in self.collector_sites.split(",") if site.strip())
