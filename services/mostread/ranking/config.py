"""What the ranking service can be told."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator

from mostread.core.ranking.integrity import Rules
from mostread.infra.auth.tokens import parse_tokens
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.http.config import ServiceSettings
from mostread.ranking.api.params import zone


class Weights(BaseModel, frozen=True):
    """What one view, comment and like add to an article's score."""

    views: float = Field(1.0, ge=0, le=1_000_000)
    comments: float = Field(5.0, ge=0, le=1_000_000)
    likes: float = Field(3.0, ge=0, le=1_000_000)


class RankingSettings(ClickHouseSettings, ServiceSettings):
    """Settings of `mostread ranking`."""

    ranking_host: str = Field("127.0.0.1", description="The address to listen on.")
    ranking_port: int = Field(8080, ge=0, le=65_535, description="The port to listen on.")
    ranking_timezone: Annotated[str, AfterValidator(zone)] = Field(
        "UTC", description="The IANA zone of today, yesterday and week where a request names none."
    )
    ranking_weights: Weights = Field(
        Weights(), description='The score as JSON: {"views": 1, "comments": 5, "likes": 3}.'
    )
    ranking_half_life_hours: float = Field(
        0.0,
        ge=0,
        le=240_000,
        description="After so many hours an event is worth half in the score; 0: always the same.",
    )
    ranking_min_visitors: int = Field(
        0,
        ge=0,
        le=63,
        description="An article that fewer visitors viewed in the window is not listed; 0: any is.",
    )
    ranking_suspicious_top10_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="An article is marked when its ten busiest visitors have a larger part of its "
        "views in the window; 1: none is.",
    )
    ranking_suspicious_min_views: int = Field(
        100, ge=1, description="An article with fewer views in the window is not marked."
    )
    ranking_quarantine: bool = Field(
        False, description="Whether a marked article is not listed until an editor clears it."
    )
    ranking_stale_after_seconds: float = Field(
        15.0, gt=0, description="A list is marked stale when its as_of is older than this."
    )
    ranking_cache_size: int = Field(
        1000,
        ge=1,
        description="How many distinct lists, and articles, stay in memory for the next who ask.",
    )
    ranking_max_cursors: int = Field(
        10, ge=1, le=1000, description="How many lists are held still for who pages by cursor."
    )
    ranking_max_stream_clients: int = Field(
        1000, ge=0, description="How many clients may follow a list by GET /v1/stream."
    )
    ranking_max_stream_lists: int = Field(
        50,
        ge=0,
        description="How many lists may be followed; each is asked for every second.",
    )
    ranking_public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Where readers reach this service, for feeds; empty: what the request named.",
    )
    ranking_home_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="The site's own page, for feeds; empty: the public address of this service.",
    )
    ranking_clickhouse_threads: int = Field(
        4, ge=1, le=64, description="How many queries run in ClickHouse side by side."
    )

    ranking_tokens: str = Field(
        "",
        description="Bearer tokens as MOSTREAD_COLLECTOR_TOKENS has them; those of the role editor "
        "read the log of decisions.",
        repr=False,
    )
    ranking_tokens_file: str = Field(
        "",
        description="A file with further tokens, that of MOSTREAD_COLLECTOR_TOKENS_FILE or a copy; "
        "a change of it is seen without a restart.",
    )
    ranking_collector_url: str = Field(
        "",
        # It stands in a header, where blanks, commas and semicolons would mean something.
        pattern=r"^(https?://[A-Za-z0-9._~:/\[\]%-]+)?$",
        description="Where editors' browsers reach the collector, so that they can hide and pin on "
        "the page; empty: not on the page.",
    )

    @field_validator("ranking_tokens")
    @classmethod
    def _tokens_can_be_read(cls, value: str) -> str:
        parse_tokens(value)
        return value

    @field_validator("ranking_collector_url")
    @classmethod
    def _who_decides_is_known(cls, value: str, info: ValidationInfo) -> str:
        if value and not (info.data.get("ranking_tokens") or info.data.get("ranking_tokens_file")):
            raise ValueError(
                "whoever decides on the page is asked for a token; say which there are by "
                "MOSTREAD_RANKING_TOKENS_FILE, as the collector knows them"
            )
        return value

    @property
    def collector_url(self) -> str:
        """The collector's address with a slash at its end; empty where it is not told."""
        return self.ranking_collector_url and self.ranking_collector_url.rstrip("/") + "/"

    @property
    def rules(self) -> Rules:
        return Rules(
            top10_share=self.ranking_suspicious_top10_share,
            min_views=self.ranking_suspicious_min_views,
            quarantine=self.ranking_quarantine,
            min_visitors=self.ranking_min_visitors,
        )

    @property
    def half_life(self) -> timedelta | None:
        hours = self.ranking_half_life_hours
        return timedelta(hours=hours) if hours else None
