"""Every setting of the collector."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from mostread.collector.pipeline import sites
from mostread.collector.pipeline.ip import Networks
from mostread.collector.pipeline.sites import Rules, Sites
from mostread.infra.auth.tokens import parse_tokens
from mostread.infra.http.config import ServiceSettings
from mostread.infra.kafka.config import KafkaSettings

MAX_BODY_BYTES = 1 << 20
"""The most a body may hold, inflated."""

MAX_EVENTS = 1000
"""The most events one request may hold."""

OPT_OUTS = {"gpc": "Sec-GPC", "dnt": "DNT"}
"""The header by which a browser says so, by the name of the setting."""


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
    collector_max_inflight_bytes: int = Field(
        64 << 20,
        ge=4 << 20,
        description="The most that may wait for Kafka; beyond it requests are answered 503.",
    )
    collector_max_inflight_requests: int = Field(
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
    collector_kafka_liveness_timeout_seconds: float = Field(
        3,
        ge=0.5,
        le=300,
        description="After how long without a word from Kafka requests are refused at once.",
    )
    collector_sites: str = Field(
        "",
        description="The sites that are counted, separated by commas, or a JSON object with what "
        "differs between them; empty means any.",
    )
    collector_origins: str = Field(
        "",
        description="The origins of pages that may send events, like https://news.example or "
        "https://*.news.example, separated by commas; empty means any.",
    )
    collector_excluded_networks: str = Field(
        "",
        description="Networks whose readers are not counted, like 192.0.2.0/24, separated by "
        "commas.",
    )
    collector_public_types: str = Field(
        "view,comment,like",
        description="The types of events that need no token, separated by commas.",
    )
    collector_opt_out: str = Field(
        "",
        description="By which signs of their browsers readers are not counted: gpc (Sec-GPC: 1), "
        "dnt (DNT: 1), separated by commas.",
    )
    collector_rate_limit_per_address_hour: int = Field(
        6000,
        ge=0,
        description="How many events one IPv4 address or IPv6 /64 may send; 0 means any number.",
    )
    collector_rate_limit_per_visitor_hour: int = Field(
        1200,
        ge=0,
        description="How many events one visitor of an address may send; 0 means any number.",
    )
    collector_rate_limit_exempt_networks: str = Field(
        "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
        description="Networks that may send any number of events, separated by commas.",
    )
    collector_trusted_proxies: str = Field(
        "",
        description="Networks of the proxies that are believed from which address a request came, "
        "separated by commas.",
    )
    collector_forwarded_header: Literal["X-Forwarded-For", "Forwarded"] = Field(
        "X-Forwarded-For",
        description="The header in which those proxies say so: X-Forwarded-For or Forwarded.",
    )
    collector_visitor_secret: SecretStr = Field(
        SecretStr(""),
        description="From this, 32 characters or more, visitors get their names; the same for all "
        "collectors. Empty: another one with each start.",
    )
    collector_tokens: str = Field(
        "",
        description="Bearer tokens as name:role:sha256hex, separated by commas; a role is emit, "
        "cms or editor.",
        repr=False,
    )
    collector_tokens_file: str = Field(
        "",
        description="A file with further tokens, which `mostread token` writes; a change of it is "
        "seen without a restart.",
    )

    @field_validator("collector_tokens")
    @classmethod
    def _tokens_can_be_read(cls, value: str) -> str:
        parse_tokens(value)
        return value

    @field_validator("collector_origins")
    @classmethod
    def _origins_can_be_read(cls, value: str) -> str:
        sites.origins(value)
        return value

    @field_validator("collector_public_types")
    @classmethod
    def _public_types_can_be_read(cls, value: str) -> str:
        sites.public_types(value)
        return value

    @field_validator(
        "collector_excluded_networks",
        "collector_rate_limit_exempt_networks",
        "collector_trusted_proxies",
    )
    @classmethod
    def _networks_can_be_read(cls, value: str) -> str:
        Networks(value)
        return value

    @field_validator("collector_opt_out")
    @classmethod
    def _opt_out_can_be_read(cls, value: str) -> str:
        _opt_outs(value)
        return value

    @field_validator("collector_visitor_secret")
    @classmethod
    def _visitor_secret_is_long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise ValueError(
                "it is too short to be a secret; write what `openssl rand -hex 32` says"
            )
        return value

    @field_validator("collector_sites")
    @classmethod
    def _sites_can_be_read(cls, value: str) -> str:
        sites.parse(value, Rules((), Networks(""), frozenset()))
        return value

    @property
    def sites(self) -> Sites:
        """The sites, each with what holds for it."""
        general = Rules(
            origins=sites.origins(self.collector_origins),
            excluded_networks=Networks(self.collector_excluded_networks),
            public_types=sites.public_types(self.collector_public_types),
        )
        return sites.parse(self.collector_sites, general)

    @property
    def opt_outs(self) -> list[str]:
        """The headers by which a reader asks not to be counted."""
        return _opt_outs(self.collector_opt_out)

    @property
    def unlimited_networks(self) -> Networks:
        return Networks(self.collector_rate_limit_exempt_networks)

    @property
    def trusted_proxies(self) -> Networks:
        return Networks(self.collector_trusted_proxies)


def _opt_outs(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in OPT_OUTS:
            raise ValueError(f"{name!r} is no sign of a browser; write gpc, dnt or both")
    return [OPT_OUTS[name] for name in names]
