"""The body of a request about one article, which the address names."""

from typing import Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from mostread.collector.pipeline.event import CONTROL_CHARACTERS, SITE_CHARACTERS
from mostread.errors import InvalidEvent


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


def decode(decoder: msgspec.json.Decoder[Body], body: bytes, article_id: str, site: str) -> Body:
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
