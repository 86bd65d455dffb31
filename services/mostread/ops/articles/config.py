"""Settings of `mostread articles`."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from mostread.collector.pipeline.event import DEFAULT_SITE
from mostread.infra.http.config import ServiceSettings, ServiceUrl

_ENTRY = re.compile(r"(?:([A-Za-z0-9._-]{1,64})=)?(https?://\S+)")
_SEPARATOR = re.compile(r"[,\s]+")


class SourceFeed(NamedTuple):
    """A feed or news sitemap, and the site whose articles it lists."""

    site: str
    url: str

    @property
    def name(self) -> str:
        """Its address without the query, which may hold a key."""
        return self.url.partition("?")[0]


class ArticlesSettings(ServiceSettings):
    """Settings of `mostread articles sync` and `mostread articles import`."""

    articles_host: str = Field("127.0.0.1", description="Address to listen on.")
    articles_port: int = Field(
        8087, ge=1, le=65535, description="Port for metrics and health checks."
    )
    articles_feeds: str = Field(
        "",
        description="Feeds to read articles from: URLs of RSS, Atom, JSON Feed or news sitemaps, "
        "comma-separated, each for the site `default` or as SITE=URL. If several feeds of a site "
        "list an article, the first describes it.",
    )
    articles_hosts: str = Field(
        "",
        description="Hosts besides those of the feeds that links of articles, redirects and "
        "sitemaps may refer to, such as www.news.example, comma-separated.",
    )
    articles_collector_url: ServiceUrl = Field(
        "http://127.0.0.1:8081", description="Collector to send descriptions to."
    )
    articles_token: SecretStr = Field(
        SecretStr(""),
        description="Token with the role cms: `mostread token create articles --role cms`.",
    )
    articles_interval_seconds: float = Field(
        60, ge=1, le=86_400, description="Seconds between two requests of a feed."
    )
    articles_timeout_seconds: float = Field(
        30, ge=1, le=600, description="Seconds for one response of a feed."
    )
    articles_max_bytes: int = Field(
        10 << 20, ge=1024, le=1 << 30, description="Maximum bytes of one feed, decompressed."
    )
    articles_max_items: int = Field(
        1000, ge=1, le=50_000, description="Maximum articles to read from one feed; the first ones."
    )

    articles_state_file: str = Field(
        "",
        description="SQLite file that records which items feeds list, to recognise one whose "
        "address changes while the service does not run. Empty: until it stops.",
    )

    @field_validator("articles_feeds")
    @classmethod
    def _check_feeds(cls, value: str) -> str:
        parse_feeds(value)
        return value

    @property
    def feeds(self) -> list[SourceFeed]:
        return parse_feeds(self.articles_feeds)

    @property
    def hosts(self) -> list[str]:
        return [host.lower() for host in _SEPARATOR.split(self.articles_hosts) if host]


def parse_feeds(text: str) -> list[SourceFeed]:
    """Return the feeds of a setting. Raises ValueError."""
    feeds = []
    for entry in _SEPARATOR.split(text):
        if not entry:
            continue
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise ValueError(
                f"{entry[:80]!r} is not a feed; write https://news.example/feed.xml, or "
                "SITE=https://news.example/feed.xml"
            )
        feed = SourceFeed(match[1] or DEFAULT_SITE, match[2])
        if feed in feeds:
            raise ValueError(f"{feed.name} occurs twice; leave out one of them")
        _check_address(feed)
        feeds.append(feed)
    return feeds


def _check_address(feed: SourceFeed) -> None:
    try:
        parts = urlsplit(feed.url)
        valid = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"{feed.name[:80]!r} is not a URL; write https://host/path")
    if parts.username or parts.password:
        raise ValueError(f"the address of {parts.hostname} may not contain a user or a password")
