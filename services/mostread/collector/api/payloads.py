"""What a CMS tells about an article: schemas/article.schema.json as a type, and its record."""

from typing import Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from mostread.collector.pipeline.event import CONTROL_CHARACTERS, SITE_CHARACTERS
from mostread.core.editorial.articles import Address, Language, Rank, Section, Title
from mostread.core.editorial.placements import Decision, Placement, check_possible
from mostread.core.events import Timestamp
from mostread.errors import InvalidEvent


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


_ARTICLES = msgspec.json.Decoder(Article)
encode = msgspec.json.Encoder().encode


def decode_article(body: bytes, article_id: str, site: str) -> Article:
    """Return the article of a request, complete. Raises InvalidEvent."""
    return _decode(_ARTICLES, body, article_id, site)


class Named(Protocol):
    """A body in which `article_id` and `site` may be left to the address."""

    article_id: str | UnsetType
    site: str | UnsetType


Body = TypeVar("Body", bound=Named)


def check_name(article_id: str, site: str) -> None:
    """Raise InvalidEvent unless both are as the schemas want them."""
    if not 1 <= len(article_id) <= 128 or CONTROL_CHARACTERS.search(article_id):
        raise InvalidEvent(
            "schema", "An article_id has 1 to 128 characters, none a control character."
        )
    if not 1 <= len(site) <= 64 or not SITE_CHARACTERS.fullmatch(site):
        raise InvalidEvent("schema", "A site has 1 to 64 characters of A-Z a-z 0-9 . _ -")


def _decode(decoder: msgspec.json.Decoder[Body], body: bytes, article_id: str, site: str) -> Body:
    """Return what a body says, its names filled in. Raises InvalidEvent."""
    check_name(article_id, site)
    try:
        said = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidEvent("schema", f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("syntax", f"The body is not JSON in UTF-8: {error}.") from error
    if said.article_id not in (UNSET, article_id) or said.site not in (UNSET, site):
        raise InvalidEvent("mismatch", "article_id and site of the body are not the address's.")
    said.article_id = article_id
    said.site = site
    return said


class SentDecision(Decision, kw_only=True):
    """A decision; `article_id` and `site` may be left to the address. Who decides is not said."""

    article_id: str | UnsetType = UNSET
    site: str | UnsetType = UNSET


_DECISIONS = msgspec.json.Decoder(SentDecision)


def decode_placement(body: bytes, article_id: str, site: str, by: str) -> Placement:
    """Return the decision of a request, complete; `by` is who asks. Raises InvalidEvent."""
    said = _decode(_DECISIONS, body, article_id, site)
    check_possible(said)
    return Placement(by=by, **msgspec.structs.asdict(said))


def none_any_more(article_id: str, site: str, by: str) -> Placement:
    """Return the decision that leaves an article to the CMS. Raises InvalidEvent.

    It is a record of its own and no tombstone, which could not say who took it back.
    """
    check_name(article_id, site)
    return Placement(article_id=article_id, site=site, by=by)
