"""An article as a feed lists it, and its description for the collector."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mostread.core.article_ids import InvalidArticleId, of_url, without_campaign
from mostread.core.editorial.articles import TEXT, Address, Language
from mostread.core.events import LATEST_TIMESTAMP

Description = dict[str, Any]
"""An article in the form of `ArticleBody` in schemas/collector.openapi.yaml."""

_MAX_MARKUP = 4000
_TAG = re.compile(r"""<!--.*?-->|<[/!?a-zA-Z](?:[^<>"']|"[^"]*"|'[^']*')*+>""", re.DOTALL)
_MISLEADING = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")


class SkippedItem(Exception):
    """An item that cannot be described; the message is one of SKIP_REASONS."""


SKIP_REASONS = ("no_link", "no_title", "other_host", "invalid_id", "rejected")


@dataclass(frozen=True, slots=True)
class SourceItem:
    """An article of a feed, as it was read; empty strings are unknown."""

    link: str
    title: str
    guid: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    language: str = ""
    image: str = ""
    published_at: datetime | None = None


class Hosts:
    """Host names that links may have; a leading www. makes no difference."""

    def __init__(self, urls: Iterable[str], names: Iterable[str] = ()) -> None:
        self._names = {_without_www(urlsplit(url).hostname or "") for url in urls}
        self._names |= set(map(_without_www, names))

    def allow(self, url: str) -> bool:
        """Return whether an address is http or https, of one of the hosts."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        # Browsers read a backslash as a slash, and nobody reads `paypal.com@` as a user.
        if "\\" in url or "@" in parts.netloc:
            return False
        return (
            parts.scheme in ("http", "https") and _without_www(parts.hostname or "") in self._names
        )


def _without_www(host: str) -> str:
    return host.lower().removeprefix("www.")


def describe(item: SourceItem, site: str, hosts: Hosts) -> Description:
    """Return the description of an item. Raises SkippedItem.

    Fields that the collector would reject are shortened or left out.
    """
    if not item.link:
        raise SkippedItem("no_link")
    if not hosts.allow(item.link):
        raise SkippedItem("other_host")
    title = clean_text(item.title, 500)
    if not title:
        raise SkippedItem("no_title")
    try:
        article_id = of_url(item.link)
    except InvalidArticleId as error:
        raise SkippedItem("invalid_id") from error
    published = item.published_at
    if published and not 0 <= published.timestamp() * 1000 <= LATEST_TIMESTAMP:
        published = None
    fields = {
        "url": _valid(page_address(item.link), Address),
        "section": clean_text(item.section, 100),
        "language": _valid(item.language.strip().replace("_", "-"), Language),
        "published_at": published and published.astimezone(UTC).isoformat(timespec="milliseconds"),
        "image": _valid(item.image.strip(), Address),
        "authors": _names(item.authors, 10, 200),
        "tags": _names(item.tags, 20, 64),
    }
    return {
        "article_id": article_id,
        "site": site,
        "title": title,
        **{name: value for name, value in fields.items() if value},
    }


def page_address(url: str) -> str:
    """Return an address without its fragment and without parameters that name a campaign."""
    address = url.strip().partition("#")[0]
    path, _, query = address.partition("?")
    query = without_campaign(query)
    return f"{path}?{query}" if query else path


def clean_text(text: str, limit: int) -> str:
    """Return a text on one line, without control characters, of at most `limit` characters.

    A text of invisible characters is empty.
    """
    words = " ".join(_MISLEADING.sub("", text).split())
    if not re.search(TEXT, words):
        return ""
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def text_of_html(markup: str) -> str:
    """Return the text of a fragment of HTML, of its first 4,000 characters.

    html.parser raises AssertionError on some markup, and takes quadratic time on other.
    """
    return html.unescape(_TAG.sub("", markup[:_MAX_MARKUP]))


def _names(names: Iterable[str], count: int, length: int) -> list[str]:
    """Return distinct names in order."""
    distinct: dict[str, str] = {}
    for name in names:
        if cleaned := clean_text(name, length):
            distinct.setdefault(cleaned.casefold(), cleaned)
    return list(distinct.values())[:count]


def _valid(value: str, kind: Any) -> str:
    try:
        return str(msgspec.convert(value, kind))
    except msgspec.ValidationError:
        return ""
