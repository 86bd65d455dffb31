"""What a CMS tells about an article: schemas/article.schema.json as a type, and its record."""

import msgspec
from msgspec import UNSET, UnsetType

from mostread.collector.event import CONTROL_CHARACTERS, SITE_CHARACTERS
from mostread.engagement.article import Address, Language, Rank, Section, Title
from mostread.engagement.event import Timestamp
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


_DECODER = msgspec.json.Decoder(Article)
encode = msgspec.json.Encoder().encode


def check_name(article_id: str, site: str) -> None:
    """Raise InvalidEvent unless both are as the schema wants them."""
    if not 1 <= len(article_id) <= 128 or CONTROL_CHARACTERS.search(article_id):
        raise InvalidEvent(
            "schema", "An article_id has 1 to 128 characters, none a control character."
        )
    if not 1 <= len(site) <= 64 or not SITE_CHARACTERS.fullmatch(site):
        raise InvalidEvent("schema", "A site has 1 to 64 characters of A-Z a-z 0-9 . _ -")


def decode(body: bytes, article_id: str, site: str) -> Article:
    """Return the article of a request, complete. Raises InvalidEvent."""
    check_name(article_id, site)
    try:
        article = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidEvent("schema", f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("syntax", f"The body is not JSON in UTF-8: {error}.") from error
    if article.article_id not in (UNSET, article_id) or article.site not in (UNSET, site):
        raise InvalidEvent("mismatch", "article_id and site of the body are not the address's.")
    article.article_id = article_id
    article.site = site
    return article
