"""Article metadata, as records of the articles topic and as rows.

A record has the key `article:<site>:<article_id>` if a CMS wrote it, and `feed:...` if it was read
from a feed; its value is the article as JSON (schemas/article.schema.json). A record with `deleted`
deletes the article. So does one without a value, until Kafka's compaction removes it. A CMS takes
precedence over a feed, whichever wrote last: a feed has fewer fields, and still lists articles that
the CMS deleted.
"""

from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec

from mostread.core.article_ids import INVISIBLE
from mostread.core.events import Name64, Name128, Timestamp
from mostread.errors import InvalidEvent

CMS_PRECEDENCE = 1 << 63
"""Bit that a CMS sets in the version of a row; the row with the highest version wins."""


class Source(StrEnum):
    """Who describes an article; also the first part of the record's key."""

    CMS = "article"
    FEED = "feed"


# Controls, and embeddings and overrides of the direction of text. Direction marks, isolates and
# joiners are part of texts in Arabic, Hebrew and Persian.
_MISLEADING = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e"
TEXT = rf"\A(?![{INVISIBLE}]*\Z)[^{_MISLEADING}]*\Z"
"""Pattern of a text that is visible and contains no character that misleads readers."""
# \A and \Z, not ^ and $: in Python, $ also matches before a trailing newline.
Address = Annotated[
    str, msgspec.Meta(max_length=2000, pattern=r"\Ahttps?://[^\s\x00-\x1f\x7f\\]+\Z")
]
LANGUAGE = r"\A[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z"
Language = Annotated[str, msgspec.Meta(max_length=35, pattern=LANGUAGE)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=TEXT)]
Section = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=TEXT)]
Authors = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=TEXT)], ...],
    msgspec.Meta(max_length=10),
]
Tags = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=TEXT)], ...],
    msgspec.Meta(max_length=20),
]
Rank = Annotated[int, msgspec.Meta(ge=1, le=100)]


class Article(msgspec.Struct, omit_defaults=True, frozen=True):
    """Metadata of an article. `published_at` is in milliseconds since the epoch."""

    article_id: Name128
    title: Title = ""
    site: Name64 = "default"
    url: Address | None = None
    section: Section | None = None
    language: Language | None = None
    published_at: Timestamp | None = None
    image: Address | None = None
    authors: Authors = ()
    tags: Tags = ()
    hidden: bool = False
    pinned: Rank | None = None
    deleted: bool = False


class ArticleRow(NamedTuple):
    """A row of the table `article_versions`; empty strings mean unknown."""

    site: str
    article_id: str
    title: str
    url: str
    section: str
    language: str
    published_at: int | None
    image: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    hidden: bool
    pinned: int | None
    deleted: bool
    version: int


_decoder = msgspec.json.Decoder(Article)


def article_key(site: str, article_id: str, source: Source = Source.CMS) -> bytes:
    """Return the record key of an article."""
    return f"{source}:{site}:{article_id}".encode()


def article_row(
    source: Source, site: str, article_id: str, value: bytes | None, *, version: int
) -> ArticleRow:
    """Decode a record into a row. Raises InvalidEvent if the value is not a valid article.

    `version` is below 2^63.
    """
    if source == Source.CMS:
        version |= CMS_PRECEDENCE
    deleted = ArticleRow(
        site, article_id, "", "", "", "", None, "", (), (), False, None, True, version
    )
    if value is None:
        return deleted
    try:
        article = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("syntax", str(error)) from error
    if (article.site, article.article_id) != (site, article_id):
        raise InvalidEvent("key", "the key and the value name different articles")
    if article.deleted:
        return deleted
    if not article.title:
        raise InvalidEvent("syntax", "Object missing required field `title`")
    return ArticleRow(
        site=site,
        article_id=article_id,
        title=article.title,
        url=article.url or "",
        section=article.section or "",
        language=article.language or "",
        published_at=article.published_at,
        image=article.image or "",
        authors=article.authors,
        tags=article.tags,
        hidden=article.hidden,
        pinned=article.pinned,
        deleted=False,
        version=version,
    )
