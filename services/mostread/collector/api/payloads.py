"""Articles and placements: decoded from requests, encoded for Kafka."""

from typing import Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from mostread.collector.pipeline.event import CONTROL_CHARACTERS, SITE_CHARACTERS
from mostread.core.editorial.articles import Address, Language, Rank, Section, Title
from mostread.core.editorial.placements import Decision, Placement, check_possible
from mostread.core.events import Timestamp
from mostread.errors import InvalidArticle, InvalidEvent, InvalidPlacement

Invalid = type[InvalidArticle] | type[InvalidPlacement]


class Payload(Protocol):
    """A body that may leave `article_id` and `site` to the URL."""

    article_id: str | UnsetType
    site: str | UnsetType


class ArticlePayload(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An article as a CMS describes it: schemas/article.schema.json."""

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


class PlacementPayload(Decision, kw_only=True):
    """An editor's decision: schemas/placement.schema.json without `by`, which the token gives."""

    article_id: str | UnsetType = UNSET
    site: str | UnsetType = UNSET


P = TypeVar("P", bound=Payload)

_ARTICLES = msgspec.json.Decoder(ArticlePayload)
_PLACEMENTS = msgspec.json.Decoder(PlacementPayload)
encode = msgspec.json.Encoder().encode


def decode_article(body: bytes, article_id: str, site: str) -> ArticlePayload:
    """Return the article of a request, with its ids filled in. Raises InvalidArticle."""
    return _decode(_ARTICLES, body, article_id, site, InvalidArticle)


def decode_placement(body: bytes, article_id: str, site: str, by: str) -> Placement:
    """Return the placement of a request made by `by`. Raises InvalidPlacement."""
    payload = _decode(_PLACEMENTS, body, article_id, site, InvalidPlacement)
    try:
        check_possible(payload)
    except InvalidEvent as error:
        raise InvalidPlacement(error.reason, str(error)) from error
    return Placement(by=by, **msgspec.structs.asdict(payload))


def empty_placement(article_id: str, site: str, by: str) -> Placement:
    """Return the placement that leaves an article to the CMS. Raises InvalidPlacement.

    It is a record rather than a tombstone, which could not name the editor.
    """
    validate_ids(article_id, site, InvalidPlacement)
    return Placement(article_id=article_id, site=site, by=by)


def validate_ids(article_id: str, site: str, invalid: Invalid) -> None:
    """Raise `invalid` unless both ids of a URL match the schemas."""
    # Granian decodes paths, and bytes that are not UTF-8 to U+FFFD.
    if "\ufffd" in article_id:
        raise invalid("schema", "article_id is not UTF-8.")
    if not 1 <= len(article_id) <= 128 or CONTROL_CHARACTERS.search(article_id):
        raise invalid("schema", "article_id needs 1 to 128 characters without control characters.")
    if not 1 <= len(site) <= 64 or not SITE_CHARACTERS.fullmatch(site):
        raise invalid("schema", "site needs 1 to 64 characters of A-Z a-z 0-9 . _ -")


def _decode(
    decoder: msgspec.json.Decoder[P], body: bytes, article_id: str, site: str, invalid: Invalid
) -> P:
    """Return a decoded body with its ids filled in from the URL. Raises `invalid`."""
    validate_ids(article_id, site, invalid)
    try:
        payload = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid("schema", f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("syntax", f"The body is not JSON in UTF-8: {error}.") from error
    if payload.article_id not in (UNSET, article_id) or payload.site not in (UNSET, site):
        raise invalid("mismatch", "article_id or site in the body differs from the URL.")
    payload.article_id = article_id
    payload.site = site
    return payload
