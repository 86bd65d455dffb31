"""What a CMS tells about an article: schemas/article.schema.json as a type, and its record."""

import msgspec
from msgspec import UNSET, UnsetType

from mostread.collector.api import _m_collector_named as named
from mostread.core.editorial.articles import Address, Language, Rank, Section, Title
from mostread.core.events import Timestamp


class Article(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An article; in a request `article_id` and `site` may be left to the address."""

    article_id: str | UnsetType = UNSET
    site: str | UnsetType = UNSET
    title: Title
    url: Address | UnsetType = UNSET
    section: Section | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    published_at: Timestamp | UnsetType = UNSET
    image: Address | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    pinned: Rank | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(Article)
encode = msgspec.json.Encoder().encode


def decode(body: bytes, article_id: str, site: str) -> Article:
    """Return the article of a request, complete. Raises InvalidEvent."""
    return named.decode(_DECODER, body, article_id, site)
