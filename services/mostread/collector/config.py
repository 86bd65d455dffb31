"""Settings of the collector."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator

from mostread.collector.pipeline import sites
from mostread.collector.pipeline.sites import SiteRules, Sites
from mostread.core.bots import BotRule, parse_patterns
from mostread.infra.auth.signing import check_secrets
from mostread.infra.auth.tokens import parse_tokens
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.connections import Endpoint
from mostread.infra.http.networks import Networks
from mostread.infra.kafka.config import KafkaSettings

MAX_EVENTS = 1000
"""Maximum number of events per request."""

OPT_OUT_HEADERS = {"gpc": "Sec-GPC", "dnt": "DNT"}
"""Request header of each opt-out signal, by its name in the setting."""


class CollectorSettings(KafkaSettings, ServiceSettings):
    """Settings of the collector; the API contract fixes MAX_EVENTS."""

    collector_host: str = Field("127.0.0.1", description="Address to listen on.")
    collector_port: int = Field(8081, ge=1, le=65535, description="Port to listen on.")
    collector_workers: int = Field(
        1,
        ge=1,
        le=256,
        description="Number of processes sharing the port; limits apply to each process.",
    )
    collector_linger_ms: float = Field(
        10,
        ge=0,
        le=1000,
        description="Time to collect events into one Kafka record, in milliseconds.",
    )
    collector_max_inflight_bytes: int = Field(
        64 << 20,
        ge=4 << 20,
        description="Maximum bytes of events waiting for Kafka; above it requests get 503.",
    )
    collector_max_inflight_requests: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="Maximum requests waiting for Kafka; above it requests get 503.",
    )
    collector_ack_timeout_seconds: float = Field(
        10,
        ge=2,
        le=300,
        description="Time a request waits for Kafka's acknowledgement before it gets 503.",
    )
    collector_kafka_liveness_timeout_seconds: float = Field(
        3,
        ge=0.5,
        le=300,
        description="Time without a response from Kafka after which requests get 503 at once.",
    )
    collector_sites: str = Field(
        "",
        description="Sites to count, comma-separated, or a JSON object with rules per site; empty "
        "means any site.",
    )
    collector_origins: str = Field(
        "",
        description="Origins of pages that may send events, such as https://news.example or "
        "https://*.news.example, comma-separated; empty means any origin.",
    )
    collector_excluded_networks: str = Field(
        "",
        description="Networks whose readers are not counted, such as 192.0.2.0/24, "
        "comma-separated.",
    )
    collector_public_types: str = Field(
        "view,comment,like",
        description="Event types that need no token, comma-separated.",
    )
    collector_opt_out: str = Field(
        "",
        description="Opt-out headers to honour: gpc (Sec-GPC: 1), dnt (DNT: 1), comma-separated.",
    )
    collector_bots_add: str = Field(
        "",
        description="Regular expressions for user agents of further bots, comma-separated.",
    )
    collector_bots_remove: str = Field(
        "",
        description="Regular expressions for user agents of readers that are taken for bots, "
        "comma-separated.",
    )
    collector_rate_limit_per_address_hour: int = Field(
        6000,
        ge=0,
        description="Maximum events per hour from one IPv4 address or IPv6 /64; 0 means no limit.",
    )
    collector_rate_limit_per_visitor_hour: int = Field(
        1200,
        ge=0,
        description="Maximum events per hour from one visitor of an address; 0 means no limit.",
    )
    collector_rate_limit_past_per_address_hour: int = Field(
        250,
        ge=0,
        description="Maximum events per hour from one IPv4 address or IPv6 /64 that are more than "
        "30 minutes old when they are sent; 0 means no limit.",
    )
    collector_rate_limit_sites_per_address_minute: int = Field(
        100,
        ge=0,
        description="Maximum distinct sites per minute from one IPv4 address or IPv6 /64, if "
        "MOSTREAD_COLLECTOR_SITES is empty; 0 means no limit.",
    )
    collector_rate_limit_articles_per_address_minute: int = Field(
        500,
        ge=0,
        description="Maximum distinct articles per minute from one IPv4 address or IPv6 /64, if "
        "MOSTREAD_COLLECTOR_SITES is empty; 0 means no limit.",
    )
    collector_rate_limit_exempt_networks: str = Field(
        "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
        description="Networks without rate limits, comma-separated.",
    )
    collector_trusted_proxies: str = Field(
        "",
        description="Networks of proxies trusted to forward the client address, comma-separated.",
    )
    collector_trusted_hops: int = Field(
        0,
        ge=0,
        le=20,
        description="Number of proxies in front of the collector that are trusted whatever their "
        "addresses, if clients cannot reach it without them.",
    )
    collector_forwarded_header: str = Field(
        "X-Forwarded-For",
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="Header in which proxies forward the client address: X-Forwarded-For, "
        "Forwarded, or one with a single address such as CF-Connecting-IP or X-Real-IP.",
    )
    collector_visitor_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret key for visitor hashes, at least 32 characters, the same for all "
        "collectors; empty means a new random key at each start.",
    )
    collector_tokens: str = Field(
        "",
        description="Bearer tokens as name:role:sha256hex, comma-separated, if limited with sites "
        "and an expiry (name:role:sha256hex:site+site:2027-01-31T12:00:00Z); a role is emit, cms, "
        "viewer, editor or admin.",
        repr=False,
    )
    collector_tokens_file: str = Field(
        "",
        description="File with further tokens, written by `mostread token`; changes apply without "
        "a restart.",
    )
    collector_session_secret: Annotated[SecretStr, AfterValidator(check_secrets)] = Field(
        SecretStr(""),
        description="MOSTREAD_RANKING_SESSION_SECRET of the ranking services, whose editors then "
        "decide on the pages; empty: the collector refuses forwarded decisions.",
    )

    @field_validator("collector_tokens")
    @classmethod
    def _check_tokens(cls, value: str) -> str:
        parse_tokens(value)
        return value

    @field_validator("collector_origins")
    @classmethod
    def _check_origins(cls, value: str) -> str:
        sites.origins(value)
        return value

    @field_validator("collector_public_types")
    @classmethod
    def _check_public_types(cls, value: str) -> str:
        sites.public_types(value)
        return value

    @field_validator(
        "collector_excluded_networks",
        "collector_rate_limit_exempt_networks",
        "collector_trusted_proxies",
    )
    @classmethod
    def _check_networks(cls, value: str) -> str:
        Networks(value)
        return value

    @field_validator("collector_bots_add", "collector_bots_remove")
    @classmethod
    def _check_bots(cls, value: str) -> str:
        parse_patterns(value)
        return value

    @field_validator("collector_opt_out")
    @classmethod
    def _check_opt_out(cls, value: str) -> str:
        _opt_out_headers(value)
        return value

    @field_validator("collector_visitor_secret")
    @classmethod
    def _check_visitor_secret(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise ValueError(
                "the secret is too short; set it to the output of `openssl rand -hex 32`"
            )
        return value

    @field_validator("collector_sites")
    @classmethod
    def _check_sites(cls, value: str) -> str:
        sites.parse(value, SiteRules((), Networks(""), frozenset()))
        return value

    @property
    def endpoint(self) -> Endpoint:
        """Where the collector listens."""
        return Endpoint(self.collector_host, self.collector_port, "MOSTREAD_COLLECTOR_PORT")

    @property
    def sites(self) -> Sites:
        """The configured sites and their rules."""
        general = SiteRules(
            origins=sites.origins(self.collector_origins),
            excluded_networks=Networks(self.collector_excluded_networks),
            public_types=sites.public_types(self.collector_public_types),
        )
        return sites.parse(self.collector_sites, general)

    @property
    def bot_rule(self) -> BotRule:
        """The bot rule with the operator's changes."""
        return BotRule(self.collector_bots_add, self.collector_bots_remove)

    @property
    def opt_out_headers(self) -> list[str]:
        """Request headers that opt a reader out."""
        return _opt_out_headers(self.collector_opt_out)

    @property
    def rate_limit_exempt_networks(self) -> Networks:
        return Networks(self.collector_rate_limit_exempt_networks)

    @property
    def trusted_proxies(self) -> Networks:
        return Networks(self.collector_trusted_proxies)


def _opt_out_headers(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in OPT_OUT_HEADERS:
            raise ValueError(f"{name!r} is not an opt-out signal; write gpc, dnt or both")
    return [OPT_OUT_HEADERS[name] for name in names]
