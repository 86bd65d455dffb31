"""Settings of the ranking service."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from mostread.core.ranking.integrity import IntegrityPolicy
from mostread.infra.auth.signing import check_secrets
from mostread.infra.auth.tokens import parse_tokens
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.http.config import ServiceSettings, ServiceUrl
from mostread.infra.http.networks import Networks
from mostread.ranking.auth.proxy import GroupRole
from mostread.ranking.queries import zone_name

_HEADER = r"^[A-Za-z0-9-]{0,64}$"
_URL = r"^((/|https?://)[!-~]*)?$"


def _networks(text: str) -> str:
    Networks(text)
    return text


class Weights(BaseModel, frozen=True):
    """How much one view, comment and like add to the score of an article."""

    views: float = Field(1.0, ge=0, le=1_000_000)
    comments: float = Field(5.0, ge=0, le=1_000_000)
    likes: float = Field(3.0, ge=0, le=1_000_000)


class RankingSettings(ClickHouseSettings, ServiceSettings):
    """Settings of `mostread ranking`."""

    ranking_host: str = Field("127.0.0.1", description="Address to listen on.")
    ranking_port: int = Field(8080, ge=0, le=65_535, description="Port to listen on.")
    ranking_timezone: Annotated[str, AfterValidator(zone_name)] = Field(
        "UTC",
        description="IANA time zone of the windows today, yesterday and week, unless a request "
        "names one.",
    )
    ranking_weights: Weights = Field(
        Weights(),
        description='Weights of the score as JSON: {"views": 1, "comments": 5, "likes": 3}.',
    )
    ranking_half_life_hours: float = Field(
        0.0,
        ge=0,
        le=240_000,
        description="Half-life of events in the score, in hours; 0: no decay.",
    )
    ranking_min_visitors: int = Field(
        0,
        ge=0,
        le=63,
        description="Visitors in the window below which an article is quarantined; 0: never.",
    )
    ranking_suspicious_top10_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of an article's views in the window above which its ten busiest "
        "visitors make it suspicious; 1: never.",
    )
    ranking_suspicious_min_views: int = Field(
        100, ge=1, description="Views in the window from which an article can be suspicious."
    )
    ranking_quarantine: bool = Field(
        False,
        description="Leave suspicious articles out of lists until an editor approves them.",
    )
    ranking_listed: Literal["described", "all"] = Field(
        "described",
        description="Articles that public lists contain: those that the CMS has described, or "
        "also others, with their ids as titles.",
    )
    ranking_stale_after_seconds: float = Field(
        15.0, gt=0, description="Age of as_of beyond which a list is stale."
    )
    ranking_cache_size: int = Field(
        1000, ge=1, description="Maximum number of cached lists, and of cached articles."
    )
    ranking_max_cursors: int = Field(
        10, ge=1, le=1000, description="Maximum number of lists stored for clients with cursors."
    )
    ranking_max_stream_clients: int = Field(
        1000, ge=0, description="Maximum number of clients of GET /v1/stream and GET /live."
    )
    ranking_max_stream_lists: int = Field(
        50,
        ge=0,
        description="Maximum number of distinct lists and list pages streamed; each is refreshed "
        "every second or two.",
    )
    ranking_public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Public URL of this service, for feeds; empty: the URL of the request, and "
        "shared caches may not store feeds.",
    )
    ranking_home_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Home page of the site, for feeds; empty: the public URL of this service.",
    )
    ranking_clickhouse_threads: int = Field(
        4, ge=1, le=64, description="Maximum number of concurrent ClickHouse queries."
    )

    ranking_tokens: str = Field(
        "",
        description="Bearer tokens in the format of MOSTREAD_COLLECTOR_TOKENS; people sign in with "
        "those of the roles viewer, editor and admin.",
        repr=False,
    )
    ranking_tokens_file: str = Field(
        "",
        description="File with further tokens, the one of MOSTREAD_COLLECTOR_TOKENS_FILE or a "
        "copy; changes take effect without a restart.",
    )
    ranking_collector_url: ServiceUrl | Literal[""] = Field(
        "",
        description="URL at which this service reaches the collector, to which it forwards the "
        "decisions of editors; empty: nobody decides on the pages.",
    )
    ranking_session_secret: Annotated[SecretStr, AfterValidator(check_secrets)] = Field(
        SecretStr(""),
        description="Secret that signs sessions and forwarded decisions, at least 32 characters, "
        "the same for all ranking services and as MOSTREAD_COLLECTOR_SESSION_SECRET. It may be a "
        "list, comma-separated: the first signs, all are valid. Empty: sessions end with the "
        "process.",
    )
    ranking_session_days: int = Field(
        30, ge=1, le=400, description="Days after which an editor signs in again."
    )

    ranking_trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="Networks of the proxies that sign people in, comma-separated. Clients must "
        "not be able to connect from them.",
    )
    ranking_proxy_user_header: str = Field(
        "",
        pattern=_HEADER,
        description="Header in which such a proxy names who is signed in, for example "
        "X-Forwarded-Email; the log of decisions contains it. Empty: no company sign-in.",
    )
    ranking_proxy_groups_header: str = Field(
        "",
        pattern=_HEADER,
        description="Header in which such a proxy lists the groups of who is signed in, "
        "comma-separated, for example X-Forwarded-Groups. Empty: none.",
    )
    ranking_proxy_groups: dict[str, GroupRole] = Field(
        {},
        description="Roles of groups as JSON, for all sites or some; * is everybody whom the proxy "
        'has signed in: {"newsroom": {"role": "editor"}, "sport-desk": {"role": "editor", '
        '"sites": ["sport"]}, "*": {"role": "viewer"}}.',
    )
    ranking_proxy_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret that such a proxy sends in the header X-Mostread-Proxy-Secret with the "
        "requests of people it has signed in; without it they are nobody's. Empty: the networks "
        "suffice, and the proxy must remove the headers of clients on every path.",
    )
    ranking_proxy_sign_in_url: str = Field(
        "",
        pattern=_URL,
        description="Page at which the proxy signs people in, linked on the pages. {page} is "
        "replaced by the address to return to: /oauth2/start?rd={page}.",
    )
    ranking_proxy_sign_out_url: str = Field(
        "",
        pattern=_URL,
        description="Page at which the proxy signs people out, for example /oauth2/sign_out.",
    )
    ranking_dashboard: Literal["open", "signed_in"] = Field(
        "open",
        description="Who sees the pages and the API of articles: anybody (open), or those who are "
        "signed in or come by a link (signed_in). Lists, streams, counts, feeds and the widget are "
        "public either way.",
    )

    @field_validator("ranking_tokens")
    @classmethod
    def _tokens_are_valid(cls, value: str) -> str:
        parse_tokens(value)
        return value

    @model_validator(mode="after")
    def _people_can_sign_in(self) -> Self:
        if self.ranking_collector_url and not self.ranking_session_secret.get_secret_value():
            raise ValueError(
                "deciding on the pages needs a secret that the collector knows; set "
                "MOSTREAD_RANKING_SESSION_SECRET and MOSTREAD_COLLECTOR_SESSION_SECRET to the "
                "output of `openssl rand -hex 32`"
            )
        by_token = self.ranking_tokens or self.ranking_tokens_file
        by_proxy = self.ranking_proxy_user_header
        if by_proxy and not (self.ranking_trusted_proxies and self.ranking_proxy_groups):
            raise ValueError(
                "MOSTREAD_RANKING_PROXY_USER_HEADER needs MOSTREAD_RANKING_TRUSTED_PROXIES, the "
                "networks it may come from, and MOSTREAD_RANKING_PROXY_GROUPS, the roles"
            )
        if (self.ranking_collector_url or self.ranking_dashboard == "signed_in") and not (
            by_token or by_proxy
        ):
            raise ValueError(
                "nobody could sign in; set MOSTREAD_RANKING_TOKENS_FILE to the token file of the "
                "collector, or MOSTREAD_RANKING_PROXY_USER_HEADER"
            )
        return self

    @property
    def integrity_policy(self) -> IntegrityPolicy:
        return IntegrityPolicy(
            top10_share=self.ranking_suspicious_top10_share,
            min_views=self.ranking_suspicious_min_views,
            quarantine=self.ranking_quarantine,
            min_visitors=self.ranking_min_visitors,
        )

    @property
    def half_life(self) -> timedelta | None:
        hours = self.ranking_half_life_hours
        return timedelta(hours=hours) if hours else None
